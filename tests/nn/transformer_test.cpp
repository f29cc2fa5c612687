#include <tapegrad/nn/transformer.hpp>

#include <gmock/gmock.h>

#include <map>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/sampling.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/optimizer.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

auto near_to(const Tensor& wanted) { return Pointwise(DoubleNear(1e-12), wanted.values()); }

TEST(TransformerEncoderBlock, NormsFirstOrLast) {
  Rng rng(1);
  const Tensor x = randn({2, 3, 4}, f64, rng);
  TransformerEncoderBlock first(4, 2, {.dtype = f64, .rng = &rng});
  const Tensor a = x + first.attention(first.attention_norm(x));
  EXPECT_THAT(first(x).values(), near_to(a + first.feed_forward(first.feed_forward_norm(a))));
  TransformerEncoderBlock last(4, 2, {.norm_first = false, .dtype = f64, .rng = &rng});
  const Tensor b = last.attention_norm(x + last.attention(x));
  EXPECT_THAT(last(x).values(), near_to(last.feed_forward_norm(b + last.feed_forward(b))));
}

TEST(TransformerEncoderBlock, TakesAnyActivation) {
  Rng rng(2);
  TransformerEncoderBlock block(
      4, 1, {.hidden = 6, .activation = [](const Tensor& x) { return relu(x); }, .dtype = f64, .rng = &rng});
  EXPECT_EQ(block.feed_forward.expand.out(), 6);
  const Tensor x = randn({1, 4}, f64, rng);
  EXPECT_THAT(block.feed_forward(x).values(), near_to(block.feed_forward.contract(relu(block.feed_forward.expand(x)))));
}

TEST(TransformerDecoderBlock, LooksAtItselfAndAtMemory) {
  for (const bool norm_first : {true, false}) {
    Rng rng(3);
    TransformerDecoderBlock block(4, 2, {.norm_first = norm_first, .memory_width = 6, .dtype = f64, .rng = &rng});
    const Tensor x = randn({1, 3, 4}, f64, rng), memory = randn({1, 2, 6}, f64, rng);
    const Tensor y = block(x, memory);
    // No position sees a later one.
    const Tensor shorter = block(slice(x, 1, 0, 2), memory);
    EXPECT_THAT(slice(y, 1, 0, 2).values(), near_to(shorter));
    EXPECT_NE(block(x, memory + 1).values(), y.values());
    const auto f = [&](const Tensor& a, const Tensor& m) { return block(a, m); };
    EXPECT_THAT(f, HasCorrectGradients({slice(x, 1, 0, 2), memory}));
  }
}

TEST(TransformerEncoder, StacksBlocksWithCachesAndMaps) {
  Rng rng(4);
  TransformerEncoder encoder(3, 4, 2, {.dtype = f64, .rng = &rng});
  const Tensor x = randn({2, 5, 4}, f64, rng);
  std::vector<Tensor> maps;
  const Tensor whole = encoder(x, AttentionCall{.causal = true}, std::span<KeyValueCache>(), &maps);
  EXPECT_THAT(whole.values(),
              near_to(encoder.norm(encoder.layers[2](
                  encoder.layers[1](encoder.layers[0](x, AttentionCall{.causal = true}), AttentionCall{.causal = true}),
                  AttentionCall{.causal = true}))));
  ASSERT_EQ(maps.size(), 3u);
  EXPECT_EQ(maps[2].shape(), (Shape{2, 2, 5, 5}));
  std::vector<KeyValueCache> caches(3);
  std::vector<Tensor> parts;
  for (std::int64_t t = 0; t < 5; ++t)
    parts.push_back(encoder(slice(x, 1, t, t + 1), AttentionCall{.causal = true}, std::span(caches)));
  EXPECT_THAT(concat(parts, 1).values(), near_to(whole));
  caches.pop_back();
  EXPECT_THAT(message_of([&] { encoder(x, AttentionCall{}, std::span(caches)); }), HasSubstr("2 caches for 3 layers"));
  EXPECT_THROW(TransformerEncoder(0, 4, 2), ValueError);
}

TEST(TransformerDecoder, StacksBlocksWithCachesAndMaps) {
  Rng rng(4);
  TransformerDecoder decoder(2, 4, 2, {.memory_width = 6, .dtype = f64, .rng = &rng});
  const Tensor x = randn({2, 3, 4}, f64, rng), memory = randn({2, 5, 6}, f64, rng);
  const Tensor mask = reshape(tensor({1, 1, 1, 1, 1, 1, 1, 1, 0, 0}, boolean), {2, 1, 1, 5});
  const AttentionCall cross{.mask = mask};
  std::vector<Tensor> maps;
  const Tensor whole = decoder(x, memory, cross, std::span<DecoderCache>(), &maps);
  const AttentionCall self{.causal = true};
  EXPECT_THAT(whole.values(),
              near_to(decoder.norm(decoder.layers[1](decoder.layers[0](x, memory, self, cross), memory, self, cross))));
  ASSERT_EQ(maps.size(), 2u);
  EXPECT_EQ(maps[1].shape(), (Shape{2, 2, 3, 5}));
  EXPECT_EQ(max(slice(maps[1][1], -1, 3)).item(), 0) << "what the mask hides";
  std::vector<DecoderCache> caches(2);
  std::vector<Tensor> parts;
  for (std::int64_t t = 0; t < 3; ++t)
    parts.push_back(decoder(slice(x, 1, t, t + 1), memory, cross, std::span(caches)));
  EXPECT_THAT(concat(parts, 1).values(), near_to(whole));
  EXPECT_EQ(caches[1].memory.length(), 5);
  caches.pop_back();
  EXPECT_THAT(message_of([&] { decoder(x, memory, cross, std::span(caches)); }), HasSubstr("1 caches for 2 layers"));
  EXPECT_THROW(TransformerDecoder(0, 4, 2), ValueError);
}

TEST(TransformerEncoder, LearnsToReverse) {
  struct Model : Module {
    explicit Model(Rng& rng)
        : embedding(*this, "embedding", 8, 16, {.sparse = false, .rng = &rng}),
          positions(*this, "positions", 6, 16, {.rng = &rng}),
          encoder(*this, "encoder", 2, 16, 2, {.rng = &rng}),
          output(*this, "output", 16, 8, {.rng = &rng}) {}
    Tensor forward(const Tensor& ids) { return output(encoder(positions(embedding(ids)))); }
    Embedding embedding;
    LearnedPositions positions;
    TransformerEncoder encoder;
    Linear output;
  };
  Rng rng(5);
  Model model(rng);
  optim::Optimizer optimizer(model, optim::Adam{.lr = 5e-3});
  double loss = 0;
  for (int step = 0; step < 150; ++step) {
    const Tensor ids = randint(0, 8, {32, 6}, rng);
    const Tensor error = cross_entropy(reshape(model.forward(ids), {-1, 8}), reshape(flip(ids, {1}), {-1}));
    error.backward();
    optimizer.step();
    optimizer.zero_grad();
    loss = error.item();
  }
  EXPECT_LT(loss, 0.2);
}

TEST(SampleToken, DrawsFromWhatIsLeft) {
  Rng rng(6);
  const Tensor logits = tensor({std::log(0.5), std::log(0.1), std::log(0.3), std::log(0.1)}, f64);
  const auto counts = [&](const SamplingOptions& options) {
    std::map<std::int64_t, int> seen;
    for (int i = 0; i < 4000; ++i) ++seen[sample_token(logits, options, rng)];
    return seen;
  };
  const auto all = counts({});
  EXPECT_NEAR(all.at(0), 2000, 130);
  EXPECT_NEAR(all.at(2), 1200, 130);
  EXPECT_EQ(all.size(), 4u);
  EXPECT_EQ(counts({.temperature = 0}).at(0), 4000);
  const auto two = counts({.top_k = 2});
  EXPECT_EQ(two.size(), 2u);
  EXPECT_NEAR(two.at(0), 2500, 130);
  EXPECT_EQ(counts({.top_p = 0.79}).size(), 2u);
  EXPECT_EQ(counts({.top_p = 0.5}).size(), 1u);
  const auto hot = counts({.temperature = 100});
  EXPECT_NEAR(hot.at(1), 1000, 130);
  EXPECT_THROW(counts({.temperature = -1}), ValueError);
  EXPECT_THROW(counts({.top_p = 0}), ValueError);
  EXPECT_THROW(sample_token(full({2}, -std::numeric_limits<double>::infinity(), f64), {}, rng), ValueError);
  EXPECT_THROW(sample_token(zeros({2, 2}), {}, rng), ShapeError);
}

}  // namespace
}  // namespace tapegrad::nn
