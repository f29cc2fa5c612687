#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/attention.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pointwise;

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

/// Queries [2, 2, 3], keys [2, 4, 3] and values [2, 4, 2] in one tensor.
struct Packed {
  explicit Packed(const Tensor& flat)
      : query(reshape(slice(flat, 0, 0, 12), {2, 2, 3})),
        key(reshape(slice(flat, 0, 12, 36), {2, 4, 3})),
        value(reshape(slice(flat, 0, 36, 52), {2, 4, 2})) {}
  Tensor query, key, value;
};

/// By definition, `seen` being 1 or 0.
Tensor composed(const Packed& p, const Tensor& seen, double scale, const Tensor& added) {
  const Tensor weights = exp(matmul(p.query, transpose(p.key)) * scale + added) * seen;
  return matmul(weights / sum(weights, {-1}, true), p.value);
}

TEST(Attention, AgreesWithItsCompositionToTheThirdOrder) {
  Rng rng(3);
  const Tensor flat = randn({52}, f64, rng) * 0.7;
  const Tensor all = ones({2, 4}, f64), none = zeros({}, f64);
  const Tensor some = tensor({1, 0, 1, 1, 0, 1, 1, 0}, {2, 4}, f64);
  const Tensor triangle = tensor({1, 0, 0, 0, 1, 1, 0, 0}, {2, 4}, f64);
  const Tensor bias = randn({2, 2, 4}, f64, rng);
  const auto attend = [](const AttentionOptions& options) {
    return [options](const Tensor& t) {
      const Packed p(t);
      return scaled_dot_product_attention(p.query, p.key, p.value, options);
    };
  };
  const auto wanted = [](const Tensor& seen, double scale, const Tensor& added) {
    return [=](const Tensor& t) { return composed(Packed(t), seen, scale, added); };
  };
  const double usual = 1 / std::sqrt(3.0);
  expect_twins(attend({}), wanted(all, usual, none), flat, 3);
  expect_twins(attend({.causal = true, .scale = 0.4}), wanted(triangle, 0.4, none), flat, 3);
  expect_twins(attend({.mask = cast(some, boolean)}), wanted(some, usual, none), flat, 3);
  expect_twins(attend({.mask = bias, .causal = true}), wanted(triangle, usual, bias), flat, 3);
}

TEST(Attention, TakesManyRowsInBlocks) {
  Rng rng(8);
  const Tensor x = parameter(randn({300, 70}, f64, rng)), g = randn({300, 70}, f64, rng);
  for (const double scale : {1.0, 0.5}) {
    const Tensor fused = masked_softmax(x, {}, false, scale), plain = softmax(x * scale);
    const auto wanted = grad(sum(plain * g), x).values();
    EXPECT_THAT(fused.values(), Pointwise(DoubleNear(1e-14), plain.values()));
    EXPECT_THAT(grad(sum(fused * g), x).values(), Pointwise(DoubleNear(1e-13), wanted));
  }
}

/// Of f32 or f64: queries, keys and values of several tiles, in two heads that lie beside each other.
std::array<Tensor, 3> long_heads(std::int64_t queries, std::int64_t keys, DType dtype, Rng& rng) {
  const auto heads = [&](std::int64_t n, std::int64_t width) {
    return transpose(randn({n, 2, width}, dtype, rng), 0, 1);
  };
  return {parameter(heads(queries, 8)), parameter(heads(keys, 8)), parameter(heads(keys, 5))};
}

TEST(Attention, GoesTileByTile) {
  Rng rng(9);
  for (const auto& [queries, keys] : {std::pair{150, 150}, std::pair{64, 200}, std::pair{2500, 70}})
    for (const bool causal : {false, true}) {
      const auto in = long_heads(queries, keys, f64, rng);
      const Tensor mask = rand({queries, keys}, 0, 1, f64, rng) < 0.8, g = randn({2, queries, 5}, f64, rng);
      const Tensor tiled = scaled_dot_product_attention(in[0], in[1], in[2], {.mask = mask, .causal = causal});
      const Tensor whole = matmul(attention_weights(in[0], in[1], {.mask = mask, .causal = causal}), in[2]);
      EXPECT_THAT(tiled.values(), Pointwise(DoubleNear(1e-13), whole.values()));
      const auto got = grad(std::array{sum(tiled * g)}, in), wanted = grad(std::array{sum(whole * g)}, in);
      for (std::size_t i = 0; i < 3; ++i)
        EXPECT_THAT(got[i].values(), Pointwise(DoubleNear(1e-11), wanted[i].values())) << "input " << i;
    }
}

TEST(Attention, TakesMemoryInProportionToTheLength) {
  Rng rng(10);
  const auto in = long_heads(4096, 4096, f32, rng);
  memory::reset_peak();
  const std::uint64_t before = memory::stats().peak_bytes;
  sum(scaled_dot_product_attention(in[0], in[1], in[2], {.causal = true})).backward();
  EXPECT_LT(memory::stats().peak_bytes - before, std::uint64_t{16} << 20);  // one head's weights would be 64 MiB
}

TEST(Attention, TheMaskThatIsAddedHasAGradient) {
  Rng rng(4);
  const Packed p(randn({52}, f64, rng));
  const Tensor bias = randn({2, 4}, f64, rng);  // for both batches
  expect_twins([&](const Tensor& t) { return scaled_dot_product_attention(p.query, p.key, p.value, {.mask = t}); },
               [&](const Tensor& t) {
                 return composed(p, ones({2, 4}, f64), 1 / std::sqrt(3.0), t);
               },
               bias, 3);
}

TEST(Attention, TellsTheWeightsThatItMixesBy) {
  Rng rng(6);
  const Packed p(randn({52}, f64, rng));
  const AttentionOptions options{.mask = randn({2, 4}, f64, rng), .causal = true, .scale = 0.7};
  const Tensor weights = attention_weights(p.query, p.key, options);
  EXPECT_EQ(weights.shape(), (Shape{2, 2, 4}));
  EXPECT_EQ(matmul(weights, p.value).values(), scaled_dot_product_attention(p.query, p.key, p.value, options).values());
  EXPECT_THROW(attention_weights(p.query, p.value), ShapeError);
}

TEST(Attention, QueriesThatSeeNothingGetZero) {
  Rng rng(5);
  const Packed p(randn({52}, f64, rng));
  const Tensor hidden = tensor({0, 0, 0, 0, 1, 1, 0, 1}, {2, 4}, f64);
  for (const Tensor& mask : {cast(hidden, boolean), log(hidden)}) {
    const std::array inputs{parameter(p.query), parameter(p.key), parameter(p.value)};
    const auto attend = [&] { return scaled_dot_product_attention(inputs[0], inputs[1], inputs[2], {.mask = mask}); };
    EXPECT_THAT(select(attend(), 1, 0).values(), Each(0));
    for (const bool create_graph : {false, true}) {
      const Tensor y = attend();
      const auto gradients = grad(std::array{sum(y * y)}, inputs, {}, {.create_graph = create_graph});
      EXPECT_THAT(select(gradients[0], 1, 0).values(), Each(0));
      for (const Tensor& g : gradients)
        for (const double v : g.values()) ASSERT_TRUE(std::isfinite(v));
      if (!create_graph) continue;
      const auto second = grad(sum(gradients[0] * gradients[0]), inputs[1]).values();
      for (const double v : second) ASSERT_TRUE(std::isfinite(v));
    }
  }
}

TEST(Attention, HiddenScoresMayBeAnything) {
  const Tensor scores = parameter(tensor({1, kNan, kInf, 2, 1, 1}, {2, 3}, f64));
  const Tensor mask = tensor({1, 0, 0, 0, 1, 1}, {2, 3}, boolean);
  const Tensor y = masked_softmax(scores, mask);
  EXPECT_THAT(y.values(), ElementsAre(1, 0, 0, 0, 0.5, 0.5));
  EXPECT_THAT(grad(sum(y * y), scores).values(), Each(0));
  EXPECT_THAT(masked_softmax(scores.detach(), {}, true).values(),
              ElementsAre(1, 0, 0, DoubleNear(0.7310585786300049, 1e-15), DoubleNear(0.2689414213699951, 1e-15), 0));
  // A scale below 0 turns -inf into +inf, but not what the mask hid.
  EXPECT_THAT(masked_softmax(tensor({-kInf, 0, 0}, f64), tensor({0, 1, 1}, boolean), false, -1).values(),
              ElementsAre(0, 0.5, 0.5));
}

TEST(Attention, TakesHeadsAndBroadcastsBatches) {
  Rng rng(6);
  const Tensor q = randn({2, 3, 5, 4}, f64, rng), k = randn({3, 7, 4}, f64, rng), v = randn({1, 7, 2}, f64, rng);
  const Tensor mask = rand({2, 1, 1, 7}, 0, 1, f64, rng) < 0.7;
  const Tensor y = scaled_dot_product_attention(q, k, v, {.mask = mask});
  EXPECT_EQ(y.shape(), (Shape{2, 3, 5, 2}));
  const Tensor weights = softmax(where(mask, matmul(q, transpose(k)) / 2, -kInf));
  EXPECT_THAT(y.values(), Pointwise(DoubleNear(1e-14), matmul(weights, v).values()));
  EXPECT_THROW(scaled_dot_product_attention(q, k, randn({6, 2})), ShapeError);
  EXPECT_THROW(scaled_dot_product_attention(q, v, v), ShapeError);
  EXPECT_EQ(scaled_dot_product_attention(zeros({0, 3, 4}), zeros({0, 5, 4}), zeros({0, 5, 2})).shape(),
            (Shape{0, 3, 2}));
  EXPECT_THAT(scaled_dot_product_attention(zeros({3, 4}), zeros({0, 4}), zeros({0, 2})).values(), Each(0));
}

TEST(Attention, HasTheSameBitsOnAnyNumberOfThreadsAndDrawsDropoutFromItsGenerator) {
  Rng rng(7);
  const Tensor q = parameter(randn({4, 96, 16}, f32, rng)), k = parameter(randn({4, 96, 16}, f32, rng));
  const int before = num_threads();
  std::vector<std::vector<double>> values;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    Rng drawn(9);
    const Tensor y = scaled_dot_product_attention(q, k, q, {.causal = true, .dropout = 0.3, .rng = &drawn});
    values.push_back(y.values());
    values.push_back(grad(sum(y * y), q).values());
  }
  set_num_threads(before);
  for (std::size_t i = 2; i < values.size(); ++i) EXPECT_EQ(values[i], values[i % 2]);
  EXPECT_NE(values[0], scaled_dot_product_attention(q, k, q, {.causal = true}).values());
}

}  // namespace
}  // namespace tapegrad::tests
