// The models of `tapegrad train`, taken by a program.

#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/detector.hpp>
#include <tapegrad/nn/models/image_classifier.hpp>
#include <tapegrad/nn/models/image_generator.hpp>
#include <tapegrad/nn/models/language_model.hpp>
#include <tapegrad/nn/models/recommender.hpp>
#include <tapegrad/nn/models/speech_recognizer.hpp>
#include <tapegrad/nn/models/table_model.hpp>
#include <tapegrad/nn/models/text_classifier.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/optimizer.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn::models {
namespace {

using ::testing::HasSubstr;

void train_on(Module& model, double lr, int steps, const std::function<Tensor()>& loss) {
  optim::Optimizer optimizer(model, optim::AdamW{.lr = lr});
  for (int i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    loss().backward();
    optimizer.step();
  }
}

TEST(TextClassifier, LearnsWhichWordDecides) {
  Rng rng(1);
  TextClassifier model({.vocabulary = 6, .classes = 2, .embedding = 4, .hidden = {8}, .sparse = false, .rng = &rng});
  const Tensor words = tensor({2, 4, 3, 4, 5, 2, 3}, i64), offsets = tensor({0, 2, 5, 6, 7}, i64);
  const Tensor classes = tensor({0, 1, 0, 1}, i64);
  train_on(model, 0.05, 60, [&] { return cross_entropy(model.forward(words, offsets), classes); });
  EXPECT_LT(cross_entropy(model.forward(words, offsets), classes).item(), 0.05);
  EXPECT_EQ(model.forward(words, offsets).values(), model.classify(model.embedding(words), offsets).values());
}

TEST(TextClassifier, SaysWhichSizeIsWrong) {
  EXPECT_THAT(message_of([] { TextClassifier({.vocabulary = 5}); }), HasSubstr("Linear 'output': 32 inputs and 0 out"));
  EXPECT_THAT(message_of([] { TextClassifier({.vocabulary = 5, .classes = 2, .dropout = 1}); }),
              HasSubstr("Dropout 'dropout': the rate is 1"));
}

TEST(TableModel, StartsAsTheLinearOne) {
  Rng rng(1);
  TableModel model({.features = 2, .outputs = 1, .hidden = {16}, .dropout = 0, .rng = &rng});
  const Tensor rows = tensor({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2}), exclusive_or = tensor({0, 1, 1, 0}, {4, 1});
  EXPECT_EQ(model.forward(rows).values(), model.linear(rows).values());
  train_on(model, 0.05, 200, [&] { return mse_loss(model.forward(rows), exclusive_or); });
  EXPECT_LT(mse_loss(model.forward(rows), exclusive_or).item(), 0.01) << "no linear model comes below 0.25";
  EXPECT_EQ(TableModel({.features = 3, .outputs = 2, .hidden = {}}).parameter_count(), 8);
}

/// Items that nothing tells apart but their factors.
Recommender plain_recommender(const Tensor& factors, std::span<const double> scales) {
  Recommender model({.items = factors.size(0), .features = 1, .factors = factors.size(1), .hidden = {}});
  model.factors.copy_from(factors);
  model.mean.copy_from(tensor({3}));
  model.prior.linear.weight.copy_from(zeros({1 + factors.size(1), 1}));
  model.prior.linear.bias.copy_from(zeros({1 + factors.size(1)}));
  model.log_scales.copy_from(tensor({std::log(scales[0]), std::log(scales[1]), std::log(scales[2])}));
  return model;
}

TEST(Recommender, ExpectsByCovariance) {
  const std::vector<double> scales{0.5, 0.25, 2};
  Recommender model = plain_recommender(tensor({1, 0, 0.5, -2}, {2, 2}), scales);
  const Ratings known{tensor({0}, i64), tensor({10}, f64), tensor({5})};
  const double covariance = 0.5 + 0.5 + 0.25 * std::exp(-1 / 2.0), variance = 0.5 + 1 + 0.25 + 1;
  EXPECT_NEAR(model.predict(known, tensor({1}, i64), tensor({11}, f64)).item(), 3 + covariance / variance * 2, 1e-5);
  const Ratings nothing{zeros({0}, i64), zeros({0}, f64), zeros({0})};
  EXPECT_EQ(model.predict(nothing, tensor({1, 0}, i64), tensor({0}, f64)).values(), (std::vector<double>{3, 3}));
}

TEST(Recommender, LeavesOneOut) {
  Rng rng(1);
  Recommender model({.items = 6, .features = 2, .factors = 3, .hidden = {4}, .rng = &rng});
  model.features.copy_from(randn({6, 2}, f32, rng));
  const std::vector<std::int64_t> items{4, 0, 2, 5};
  const std::vector<double> times{0, 0.5, 0.6, 30};
  const std::vector<float> values{3, 4, 1, 5};
  const std::vector<double> told = model.leave_one_out({copy_of(items), copy_of(times), copy_of(values)}).values();
  for (std::size_t out = 0; out < items.size(); ++out) {
    auto others = items;
    auto when = times;
    auto said = values;
    const auto at = static_cast<std::ptrdiff_t>(out);
    others.erase(others.begin() + at);
    when.erase(when.begin() + at);
    said.erase(said.begin() + at);
    const Tensor expected = model.predict({copy_of(others), copy_of(when), copy_of(said)},
                                          full({1}, static_cast<double>(items[out]), i64), full({1}, times[out], f64));
    EXPECT_NEAR(told[out], expected.item(), 1e-4);
  }
}

TEST(ImageClassifier, IsAnMlpOrACnn) {
  Rng rng(1);
  ImageClassifier mlp({.height = 8, .width = 6, .classes = 3, .hidden = {5}, .rng = &rng});
  EXPECT_EQ(mlp.forward(zeros({2, 1, 8, 6})).shape(), (Shape{2, 3}));
  ImageClassifier cnn({.kind = ImageClassifierKind::cnn, .height = 8, .width = 6, .channels = {2, 4}, .rng = &rng});
  EXPECT_EQ(cnn.forward(zeros({2, 1, 8, 6})).shape(), (Shape{2, 10}));
  EXPECT_EQ(cnn.convolutions.size(), 4u);
  EXPECT_THAT(message_of([] { ImageClassifier({.kind = ImageClassifierKind::cnn, .channels = {}}); }),
              HasSubstr("a cnn without channels"));
}

/// A picture with a bright box, taller than wide or wider than tall: class 0 or 1.
std::pair<Tensor, Tensor> picture_with_box(std::int64_t left, std::int64_t top, bool is_wide) {
  const std::int64_t width = is_wide ? 24 : 14, height = is_wide ? 14 : 24;
  Tensor picture = zeros({1, 1, 48, 48});
  for (std::int64_t y = top; y < top + height; ++y)
    for (std::int64_t x = left; x < left + width; ++x)
      picture.mutable_data<float>()[static_cast<std::size_t>(y * 48 + x)] = 1;
  const auto edge = [](std::int64_t e) { return static_cast<float>(e); };
  return {picture,
          tensor({edge(left), edge(top), edge(left + width), edge(top + height), is_wide ? 1.0 : 0.0}, {1, 1, 5})};
}

TEST(ImageGenerator, DecodesToTheSizeThatItEncodes) {
  Rng rng(1);
  for (const auto kind : {ImageGeneratorKind::vae, ImageGeneratorKind::gan}) {
    const auto model = ImageGenerator::make({.kind = kind,
                                             .height = 7,
                                             .width = 9,
                                             .colours = 3,
                                             .channels = {4, 6},
                                             .hidden = 5,
                                             .latent = 2,
                                             .rng = &rng});
    EXPECT_EQ(model->sample(2, rng).shape(), Shape({2, 3, 7, 9}));
    EXPECT_EQ(model->forward(rand({4, 3, 7, 9}, 0, 1, f32, rng)).shape(), Shape({4, 2}));
  }
  EXPECT_THAT(message_of([] { ImageGenerator::make({.channels = {}}); }), HasSubstr("no channels"));
}

TEST(ImageVae, TermsByHand) {
  Rng rng(1);
  ImageVae model({.height = 4, .width = 4, .channels = {3}, .hidden = 5, .latent = 2, .rng = &rng});
  const Tensor images = rand({3, 1, 4, 4}, 0, 1, f32, rng);
  const auto [mean, std] = model.encode(images);
  seed(7);
  const Tensor terms = model.forward(images);
  seed(7);
  const Tensor pixels = model.decode(mean + std * randn({3, 2}));
  const Tensor reconstruction = -sum(images * log(pixels) + (1 - images) * log(1 - pixels), {1, 2, 3});
  const Tensor divergence = sum(0.5 * (square(mean) + square(std) - 1) - log(std), {1});
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(terms[i][0].item(), reconstruction[i].item(), 1e-4);
    EXPECT_NEAR(terms[i][1].item(), divergence[i].item(), 1e-5);
  }
}

TEST(ImageGan, CriticDescendsAndDecoderAscends) {
  Rng rng(1);
  ImageGan model({.height = 4, .width = 4, .channels = {3}, .hidden = 5, .latent = 2, .rng = &rng});
  const Tensor images = rand({3, 1, 4, 4}, 0, 1, f32, rng);
  seed(7);
  const Tensor terms = model.forward(images);
  const std::vector<Tensor> decoder = model.decoder.parameters(), critic = model.critic.parameters();

  // The game itself, its two sides one by one.
  seed(7);
  const Tensor samples = model.sample(3);
  const Tensor value = sum(model.critic(samples) - model.critic(images));
  const Tensor differences = sum(select(terms, 1, 0));
  EXPECT_NEAR(differences.item(), value.item(), 1e-5);
  const auto expect_equal = [](const std::vector<Tensor>& a, const std::vector<Tensor>& b, double factor) {
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_TRUE(allclose(a[i], b[i] * factor, {.relative = 1e-4, .absolute = 1e-6}));
  };
  const BackwardOptions keep{.retain_graph = true};
  expect_equal(grad(differences, critic, keep), grad(value, critic, keep), 1);
  expect_equal(grad(differences, decoder, keep), grad(value, decoder, keep), -1);

  // The penalty is of the critic's slope between sample and image, and no matter of the decoder.
  const Tensor between = lerp(images, samples.detach(), rand({3, 1, 1, 1})).detach().set_requires_grad();
  const Tensor slope = grad(sum(model.critic(between)), between);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(terms[i][1].item(), 10 * std::pow(norm(slope[i]).item() - 1, 2), 1e-4);
  const Tensor penalty = sum(select(terms, 1, 1));
  EXPECT_EQ(norm(grad(penalty, decoder, {.retain_graph = true})[0]).item(), 0);
  EXPECT_GT(norm(grad(penalty, critic)[0]).item(), 0);
  model.eval();
  EXPECT_EQ(select(model.forward(images), 1, 1).values(), std::vector<double>(3, 0));
}

TEST(Detector, FindsWhatItWasShown) {
  Rng rng(1);
  Detector model({.classes = 2, .channels = {4, 8, 16}, .features = 16, .rng = &rng});
  const auto [tall, tall_box] = picture_with_box(5, 12, false);
  const auto [wide, wide_box] = picture_with_box(20, 30, true);
  const Tensor pictures = concat({tall, wide}, 0), objects = concat({tall_box, wide_box}, 0);
  EXPECT_EQ(model.forward(pictures).shape(), (Shape{2, 6, 6, 6}));
  train_on(model, 0.01, 150, [&] { return Detector::loss(model.forward(pictures), objects); });
  const std::vector<Detections> found = Detector::detections(model.forward(pictures), {.least_score = 0.3});
  for (std::int64_t i = 0; i < 2; ++i) {
    const Detections& one = found[static_cast<std::size_t>(i)];
    ASSERT_EQ(one.scores.numel(), 1) << one.boxes << one.scores;
    EXPECT_EQ(one.classes.item(), i);
    EXPECT_GT(box_iou(one.boxes[0], slice(objects, 2, 0, 4)[i][0]).item(), 0.7);
  }
}

TEST(Detector, LossByHand) {
  // One class and 1 × 2 cells, whose middles are (4, 4) and (12, 4). The object is the first cell's, exactly as its
  // edges tell; the second one is outside its box.
  const double one_cell = std::log(std::exp(0.5) - 1);  // softplus of it is 4 pixels
  const Tensor outputs =
      parameter(tensor({0, std::log(3), one_cell, 1, one_cell, 1, one_cell, 1, one_cell, 1}, {1, 5, 1, 2}));
  const Tensor objects = tensor({{{0, 0, 8, 8, 0}, {0, 0, 16, 8, -1}}});
  const auto [logits, boxes] = Detector::cells(outputs);
  EXPECT_THAT(boxes[0][0].values(), ::testing::Pointwise(::testing::DoubleNear(1e-5), {0, 0, 8, 8}));
  // p is 1/2 and 3/4, for targets of 1 (it fits) and 0: focal losses (1/2)² ln 2 and (3/4)² ln 4; the box is right.
  EXPECT_NEAR(Detector::loss(outputs, objects).item(), 0.25 * std::log(2) + 0.5625 * std::log(4), 1e-5);
  // Without an object all is focal.
  EXPECT_NEAR(Detector::loss(outputs, full({1, 0, 5}, 0)).item(), 0.25 * std::log(2) + 0.5625 * std::log(4), 1e-5);
  // Of several objects the smallest has the cell.
  const Tensor two = tensor({{{0, 0, 16, 8, 0}, {0, 0, 8, 8, 0}}});
  EXPECT_LT(grad(Detector::loss(outputs, two), outputs).at({0, 0, 0, 0}), 0);
  EXPECT_THAT(message_of([&] {
                Detector::loss(outputs, tensor({{{0, 0, 8, 8, 3}}}));
              }),
              HasSubstr("class 3; there are 1"));
  EXPECT_THAT(message_of([&] { Detector::loss(outputs, objects[0]); }), HasSubstr("expected [B, n, 5]"));
  EXPECT_THAT(message_of([] { Detector({.channels = {8, 8}}); }), HasSubstr("2 channels; three at least"));
}

TEST(SpeechRecognizer, DoesNotHearWhatLiesBeside) {
  for (const SpeechKind kind : {SpeechKind::words, SpeechKind::letters}) {
    Rng rng(2);
    SpeechRecognizer model(
        {.kind = kind, .bands = 3, .outputs = 4, .channels = 5, .width = 6, .layers = 2, .rng = &rng});
    const Tensor all = randn({2, 9, 3}, f32, rng), lengths = tensor({5, 9}, i64);
    // Some running statistics, under which silence is no zero.
    (void)model.forward(all, lengths);
    model.eval();
    const Tensor padded = all * cast(unsqueeze(unsqueeze(arange(9), 0) < unsqueeze(lengths, 1), 2), f32);
    const Tensor both = model.forward(padded, lengths);
    const Tensor alone = model.forward(slice(padded, 1, 0, 5)[0] * ones({1, 1, 1}), tensor({5}, i64));
    if (kind == SpeechKind::words) {
      EXPECT_THAT(both[0].values(), ::testing::Pointwise(::testing::DoubleNear(1e-6), alone[0].values()));
      continue;
    }
    EXPECT_EQ(both.shape(), (Shape{2, 5, 4}));
    EXPECT_THAT(slice(both[0], 0, 0, 3).values(), ::testing::Pointwise(::testing::DoubleNear(1e-6), alone[0].values()));
    EXPECT_EQ(both.at({0, 3, 0}), 0) << "then there is silence";
    EXPECT_LT(both.at({0, 4, 2}), -1000);
    // So the loss is that of each alone, whatever follows.
    const Tensor said = tensor({{1, 3, -1}, {2, 1, 1}}, i64);
    const double first = SpeechRecognizer::loss(alone, tensor({{1, 3}}, i64)).item(),
                 second = SpeechRecognizer::loss(slice(both, 0, 1), slice(said, 0, 1)).item();
    EXPECT_NEAR(SpeechRecognizer::loss(both, said).item(), (first + second) / 2, 1e-5);
  }
}

TEST(SpeechRecognizer, ReadsTheBestPath) {
  // blank a a blank a b b: "aab".
  const Tensor path = log(one_hot(tensor({0, 1, 1, 0, 1, 2, 2}, i64), 3) * 0.8 + 0.1);
  EXPECT_EQ(SpeechRecognizer::best_path(path), (std::vector<std::int64_t>{1, 1, 2}));
  EXPECT_EQ(SpeechRecognizer::steps_for({1, 1, 2}), 4) << "a blank between equal ones";
  EXPECT_EQ(SpeechRecognizer::steps_for({}), 0);
  EXPECT_THAT(message_of([] {
                SpeechRecognizer({.bands = 3, .outputs = 2}).forward(zeros({1, 4, 3}), zeros({2}, i64));
              }),
              HasSubstr("features are [1, 4, 3] with lengths i64 [2]; expected [B, T, bands]"));
}

/// Counts upward, which one look back tells.
std::vector<std::int32_t> counting(std::int64_t length) {
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < length; ++i) tokens.push_back(static_cast<std::int32_t>(i % 5));
  return tokens;
}

TEST(LanguageModel, LearnsAndWritesOn) {
  for (const LanguageModelKind kind : {LanguageModelKind::lstm, LanguageModelKind::gpt}) {
    Rng rng(1);
    const auto model = LanguageModel::make(
        {.kind = kind, .tokens = 5, .width = 16, .heads = 2, .context = 8, .dropout = 0, .rng = &rng});
    const std::vector<std::int32_t> tokens = counting(9);
    const std::span<const std::int32_t> all(tokens);
    const Tensor ids = copy_of(all.first(8), Shape{1, 8}), next = copy_of(all.subspan(1), Shape{8});
    train_on(*model, 0.02, 80, [&] { return cross_entropy(model->forward(ids), next); });
    model->eval();
    EXPECT_LT(total_nats(*model, counting(20)) / 19, 0.3);

    GenerateOptions greedy{.tokens = 12, .sampling = {.temperature = 0}};
    std::vector<std::int32_t> written;
    const auto write = [&](std::int32_t token) { written.push_back(token); };
    generate(*model, all.first(3), greedy, rng, write);
    EXPECT_EQ(written.size(), 12u);
    EXPECT_EQ(written.front(), 3);
    std::vector<std::int32_t> anew;
    greedy.cache = false;
    greedy.tokens = 5;  // within the context
    generate(*model, all.first(3), greedy, rng, [&](std::int32_t token) { anew.push_back(token); });
    EXPECT_TRUE(std::equal(anew.begin(), anew.end(), written.begin()));

    written.clear();
    greedy.end = 4;
    generate(*model, all.first(3), greedy, rng, write);
    EXPECT_THAT(written, ::testing::ElementsAre(3));
    EXPECT_THAT(message_of([&] { generate(*model, {}, greedy, rng, write); }), HasSubstr("no token to begin after"));
  }
}

/// Settings are what files and command lines go by: each name once.
template <class Options>
void expect_distinct_names() {
  std::vector<std::string_view> names;
  std::apply([&](const auto&... setting) { (names.push_back(setting.name), ...); }, Options::fields());
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST(Settings, HaveDistinctNames) {
  expect_distinct_names<TextClassifierOptions>();
  expect_distinct_names<ImageClassifierOptions>();
  expect_distinct_names<ImageGeneratorOptions>();
  expect_distinct_names<LanguageModelOptions>();
  expect_distinct_names<RecommenderOptions>();
}

}  // namespace
}  // namespace tapegrad::nn::models
