#include <gmock/gmock.h>

#include <numeric>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/loader.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/data/token_stream.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/models/masked_language_model.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/optimizer.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn::models {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr std::int32_t kMask = 10;

/// Texts of equal tokens, so that each tells all others.
data::SampleDataset texts() {
  return {40,
          [](std::int64_t row) {
            return data::Sample{{full({4 + row % 3}, static_cast<double>(row % kMask), i32)}, {}};
          },
          data::pad_and_stack};
}

TEST(MaskTokens, HidesSomeOfEachText) {
  const data::SampleDataset set = texts();
  const data::Transform mask = data::augment::mask_tokens(1, {.share = 0.5, .mask = kMask, .tokens = kMask});
  const std::vector<std::int64_t> rows = data::all_rows(40);
  const auto masked = [&](std::int64_t epoch) {
    data::Batch batch = set.batch(rows);
    mask(batch, rows, epoch);
    return batch;
  };
  const data::Batch before = set.batch(rows), batch = masked(0);
  ASSERT_EQ(batch.inputs.size(), 3u);
  EXPECT_EQ(batch.targets.numel(), 14 * 2 + 13 * 3 + 13 * 3) << "half of 4, of 5 rounded up, of 6";
  const std::vector<double> ids = batch.inputs[0].values(), was = before.inputs[0].values(),
                            places = batch.inputs[2].values(), targets = batch.targets.values();
  double hidden = 0;
  std::vector<bool> drawn(ids.size());
  for (std::size_t m = 0; m < places.size(); ++m) {
    const auto place = static_cast<std::size_t>(places[m]);
    EXPECT_EQ(targets[m], was[place]);
    EXPECT_LT(place % 6, 4 + place / 6 % 3) << "what fills up is no token";
    EXPECT_FALSE(drawn[place]);
    drawn[place] = true;
    hidden += ids[place] == kMask;
  }
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_TRUE(drawn[i] || ids[i] == was[i]) << i;
  EXPECT_NEAR(hidden / static_cast<double>(places.size()), 0.8, 0.12);
  EXPECT_EQ(masked(0).inputs[2].values(), places);
  EXPECT_NE(masked(1).inputs[2].values(), places);
  EXPECT_THROW(data::augment::mask_tokens(1, {.share = 0, .tokens = 3}), ValueError);
  EXPECT_THROW(data::augment::mask_tokens(1, {.tokens = 0}), ValueError);
}

TEST(MaskedLanguageModel, TellsWhatIsHidden) {
  Rng rng(1);
  MaskedLanguageModel model({.tokens = kMask + 1, .width = 16, .layers = 1, .heads = 2, .dropout = 0, .rng = &rng});
  optim::Optimizer optimizer(model, optim::Adam{.lr = 5e-3});
  const data::SampleDataset set = texts();
  data::DataLoader batches(
      set, {.batch_size = 20, .transform = data::augment::mask_tokens(1, {.mask = kMask, .tokens = kMask})});
  double loss = 0;
  for (std::int64_t epoch = 0; epoch < 60; ++epoch) {
    batches.start(epoch);
    for (data::Batch batch; batches.next(batch);) {
      const Tensor nats =
          cross_entropy(model.forward(batch.inputs[0], batch.inputs[1], batch.inputs[2]), batch.targets);
      nats.backward();
      optimizer.step();
      optimizer.zero_grad();
      loss = nats.item();
    }
  }
  EXPECT_LT(loss, 0.5);
}

TEST(ContextClassifier, GoesOnFromWhatWasLearned) {
  const ContextEncoderOptions options{.tokens = kMask + 1, .width = 8, .layers = 2, .heads = 2};
  MaskedLanguageModel learned(options);
  ContextClassifier model(options, 2);
  model.encoder.load_state(learned.encoder.state());
  const Tensor ids = tensor({{3, 4, 5}, {1, 2, 3}}, i32), lengths = tensor({3, 3}, i64), classes = tensor({0, 1}, i64);
  learned.eval();
  model.encoder.eval();
  EXPECT_EQ(model.encoder(ids, lengths).values(), learned.encoder(ids, lengths).values());
  // The last layer and the output alone, at rates of their own.
  model.freeze("encoder.*");
  model.unfreeze("encoder.blocks.layers.1.*");
  optim::Optimizer optimizer(model.output.named_parameters(), optim::AdamW{.lr = 1e-2});
  NamedTensors last;
  for (const auto& [name, parameter] : model.encoder.blocks.layers[1].named_parameters())
    last.push_back({"last." + name, parameter});
  optimizer.add(std::move(last), optim::AdamW{.lr = 1e-3});
  for (int step = 0; step < 60; ++step) {
    cross_entropy(model.forward(ids, lengths), classes).backward();
    optimizer.step();
    optimizer.zero_grad();
  }
  model.eval();
  EXPECT_LT(cross_entropy(model.forward(ids, lengths), classes).item(), 0.1);
  EXPECT_EQ(model.encoder.embedding.weight.values(), learned.encoder.embedding.weight.values());
  EXPECT_NE(model.encoder.blocks.layers[1].attention.query.weight.values(),
            learned.encoder.blocks.layers[1].attention.query.weight.values());
}

TEST(ContextClassifier, DoesNotMindWhatFillsUp) {
  Rng rng(2);
  ContextClassifier model({.tokens = 9, .width = 8, .layers = 2, .heads = 2, .rng = &rng}, 3);
  model.eval();
  const Tensor alone = model.forward(tensor({{3, 4}}, i32), tensor({2}, i64));
  const Tensor beside = model.forward(tensor({{3, 4, 7}, {1, 2, 3}}, i32), tensor({2, 3}, i64));
  EXPECT_EQ(beside.shape(), (Shape{2, 3}));
  EXPECT_THAT(select(beside, 0, 0).values(), Pointwise(DoubleNear(1e-5), alone.values()));
  EXPECT_THAT(message_of<ShapeError>([&] {
                model.forward(zeros({2, 3}, i32), zeros({3}, i64));
              }),
              HasSubstr("expected [B, L] and i64 [B]"));
  EXPECT_THAT(message_of([] { ContextClassifier({.tokens = 5, .width = 5}, 2); }), HasSubstr("the width is 5"));
}

}  // namespace
}  // namespace tapegrad::nn::models
