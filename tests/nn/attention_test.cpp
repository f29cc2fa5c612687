#include <tapegrad/nn/transformer.hpp>

#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

auto near_to(const Tensor& wanted) { return Pointwise(DoubleNear(1e-12), wanted.values()); }

/// Element by element, from the definition.
std::vector<double> by_hand(const MultiHeadAttention& layer, const Tensor& x, const Tensor& context,
                            const std::function<bool(std::int64_t, std::int64_t)>& may_look) {
  const Tensor q = layer.query(x), k = layer.key(context), v = layer.value(context);
  const std::int64_t width = layer.width(), d = width / layer.heads();
  Tensor mixed = zeros(x.shape(), f64);
  auto out = mixed.mutable_data<double>().begin();
  for (std::int64_t b = 0; b < x.size(0); ++b)
    for (std::int64_t i = 0; i < x.size(1); ++i)
      for (std::int64_t c = 0; c < width; ++c, ++out) {
        const std::int64_t head = c / d;
        double total = 0, sum = 0;
        for (std::int64_t j = 0; j < context.size(1); ++j) {
          if (!may_look(i, j)) continue;
          double score = 0;
          for (std::int64_t e = head * d; e < (head + 1) * d; ++e) score += q.at({b, i, e}) * k.at({b, j, e});
          const double share = std::exp(score / std::sqrt(static_cast<double>(d)));
          total += share;
          sum += share * v.at({b, j, c});
        }
        *out = total > 0 ? sum / total : 0;
      }
  return layer.output(mixed).values();
}

struct Attention : ::testing::Test {
  Rng rng{1};
  MultiHeadAttention layer{4, 2, {.dtype = f64, .rng = &rng}};
  Tensor x = randn({2, 3, 4}, f64, rng), context = randn({2, 5, 4}, f64, rng);
};

TEST_F(Attention, IsItsDefinition) {
  EXPECT_THAT(layer(x).values(), Pointwise(DoubleNear(1e-12), by_hand(layer, x, x, [](auto, auto) { return true; })));
  EXPECT_THAT(layer(x, context).values(),
              Pointwise(DoubleNear(1e-12), by_hand(layer, x, context, [](auto, auto) { return true; })));
  EXPECT_THAT(layer(x, AttentionCall{.causal = true}).values(),
              Pointwise(DoubleNear(1e-12), by_hand(layer, x, x, [](auto i, auto j) { return j <= i; })));
}

TEST_F(Attention, TakesMasks) {
  const Tensor allowed = tensor({1, 0, 1, 0, 0, 0, 1, 1, 0}, {3, 3}, boolean);
  const auto wanted = by_hand(layer, x, x, [&](auto i, auto j) { return allowed.at({i, j}) != 0; });
  EXPECT_THAT(layer(x, AttentionCall{.mask = allowed}).values(), Pointwise(DoubleNear(1e-12), wanted));
  const double no = -std::numeric_limits<double>::infinity();
  const Tensor added = tensor({0, no, 0, no, no, no, 0, 0, no}, Shape{3, 3}, f64);
  EXPECT_THAT(layer(x, AttentionCall{.mask = added}).values(), Pointwise(DoubleNear(1e-12), wanted));
}

TEST_F(Attention, ShowsWhereItLooks) {
  Tensor weights;
  layer(x, AttentionCall{.causal = true, .weights = &weights});
  EXPECT_EQ(weights.shape(), (Shape{2, 2, 3, 3}));
  EXPECT_EQ(weights.at({0, 0, 0, 0}), 1);
  EXPECT_EQ(weights.at({1, 1, 1, 2}), 0);
  for (const double v : sum(weights, {3}).values()) EXPECT_NEAR(v, 1, 1e-12);
}

TEST_F(Attention, WithACacheGivesTheSameTokenByToken) {
  for (const bool rotary : {false, true}) {
    MultiHeadAttention attention(4, 2, {.rotary = rotary, .dtype = f64, .rng = &rng});
    const Tensor whole = attention(context, AttentionCall{.causal = true});
    KeyValueCache cache;
    std::vector<Tensor> parts;
    for (const auto& [begin, end] : {std::pair{0, 2}, std::pair{2, 3}, std::pair{3, 5}})
      parts.push_back(attention(slice(context, 1, begin, end), AttentionCall{.causal = true, .cache = &cache}));
    EXPECT_THAT(concat(parts, 1).values(), near_to(whole));
    EXPECT_EQ(cache.length(), 5);
  }
}

TEST_F(Attention, MasksHoldWithWhatLiesAhead) {
  const double no = -std::numeric_limits<double>::infinity();
  const Tensor added = tensor({0.5, no, -1, 0, 2}, Shape{1, 5}, f64),
               allowed = tensor({1, 0, 1, 1, 1}, {1, 5}, boolean);
  for (const Tensor& mask : {added, allowed}) {
    const Tensor whole = layer(context, AttentionCall{.mask = mask, .causal = true});
    KeyValueCache cache;
    layer(slice(context, 1, 0, 3), AttentionCall{.causal = true, .cache = &cache});
    const Tensor rest = layer(slice(context, 1, 3, 5), AttentionCall{.mask = mask, .causal = true, .cache = &cache});
    EXPECT_THAT(rest.values(), near_to(slice(whole, 1, 3, 5)));
  }
}

TEST_F(Attention, HasCorrectGradients) {
  MultiHeadAttention rotary(4, 2, {.rotary = true, .dtype = f64, .rng = &rng});
  const auto f = [&](const Tensor& a, const Tensor& b) { return layer(a, b); };
  EXPECT_THAT(f, HasCorrectGradients({randn({1, 2, 4}, f64, rng), randn({1, 3, 4}, f64, rng)}, {.order = 2}));
  const auto g = [&](const Tensor& a) { return rotary(a, AttentionCall{.causal = true}); };
  EXPECT_THAT(g, HasCorrectGradients({randn({1, 3, 4}, f64, rng)}, {.order = 2}));
}

TEST_F(Attention, SaysWhatDoesNotFit) {
  EXPECT_THAT(
      message_of([&] {
        layer(zeros({2, 3, 5}, f64));
      }),
      HasSubstr("MultiHeadAttention: input [2, 3, 5] and context [2, 3, 5], expected [B, Lq, 4] and [B, Lk, 4]"));
  EXPECT_THAT(message_of([&] { layer(context, x, AttentionCall{.causal = true}); }),
              HasSubstr("5 queries, but 3 keys"));
  EXPECT_THAT(message_of([] { MultiHeadAttention(6, 4); }), HasSubstr("4 heads of a width of 6"));
  EXPECT_THAT(message_of([] { MultiHeadAttention(6, 2, {.rotary = true}); }), HasSubstr("heads of width 3"));
  EXPECT_THROW(MultiHeadAttention(4, 2, {.dropout = 1}), ValueError);
  MultiHeadAttention other(4, 2, {.context_width = 6});
  EXPECT_EQ(other(zeros({1, 2, 4}), zeros({1, 3, 6})).shape(), (Shape{1, 2, 4}));
}

TEST(Positions, AreSinesAndCosines) {
  SinusoidalPositions positions;
  const Tensor y = positions(zeros({1, 3, 4}, f64), 1);
  EXPECT_NEAR(y.at({0, 0, 0}), std::sin(1.0), 1e-15);
  EXPECT_NEAR(y.at({0, 2, 1}), std::sin(3 / 100.0), 1e-15);
  EXPECT_NEAR(y.at({0, 1, 2}), std::cos(2.0), 1e-15);
  EXPECT_THAT(message_of([&] { positions(zeros({1, 3, 5})); }), HasSubstr("an even width"));
}

TEST(Positions, AreLearned) {
  LearnedPositions positions(4, 2);
  const Tensor x = zeros({3, 2, 2});
  const Tensor y = positions(x, 2);
  EXPECT_EQ(y.at({1, 1, 0}), positions.weight.at({3, 0}));
  sum(y).backward();
  EXPECT_THAT(positions.weight.grad().values(), ::testing::ElementsAre(0, 0, 0, 0, 3, 3, 3, 3));
  EXPECT_THAT(message_of([&] { positions(x, 3); }), HasSubstr("positions 3 to 4, of which there are 4"));
  EXPECT_THROW(LearnedPositions(0, 2), ValueError);
}

TEST(Positions, RotateSoThatDistancesCount) {
  Rng rng(2);
  const Tensor a = randn({1, 6}, f64, rng), b = randn({1, 6}, f64, rng);
  const auto product = [&](std::int64_t i, std::int64_t j) {
    return matmul(rotate_by_position(a, i), transpose(rotate_by_position(b, j))).item();
  };
  EXPECT_NEAR(product(7, 3), product(104, 100), 1e-10);
  EXPECT_GT(std::abs(product(7, 3) - product(7, 4)), 1e-6);
  EXPECT_THAT(rotate_by_position(a, 0).values(), near_to(a));
  EXPECT_THROW(rotate_by_position(zeros({2, 3})), ShapeError);
}

}  // namespace
}  // namespace tapegrad::nn
