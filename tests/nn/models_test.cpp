// The models of `tapegrad train`, taken by a program.

#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/image_classifier.hpp>
#include <tapegrad/nn/models/language_model.hpp>
#include <tapegrad/nn/models/recommender.hpp>
#include <tapegrad/nn/models/table_model.hpp>
#include <tapegrad/nn/models/text_classifier.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/loss.hpp>
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
  expect_distinct_names<LanguageModelOptions>();
  expect_distinct_names<RecommenderOptions>();
}

}  // namespace
}  // namespace tapegrad::nn::models
