#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/init.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/view.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn::init {
namespace {

using ::testing::HasSubstr;

struct Moments {
  double mean = 0, deviation = 0, largest = 0;
};

Moments moments(const Initializer& initializer, const Shape& shape) {
  Rng rng(7);
  const std::vector<double> values = initializer(shape, f64, rng).values();
  Moments m;
  for (double v : values) m.mean += v / static_cast<double>(values.size());
  for (double v : values) m.deviation += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  m.deviation = std::sqrt(m.deviation);
  for (double v : values) m.largest = std::max(m.largest, std::abs(v));
  return m;
}

TEST(Init, HasTheDeviationsOfThePapers) {
  const Shape shape{100, 20, 5, 3};  // fan_in 300, fan_out 1500
  const struct {
    Initializer initializer;
    double deviation;
    bool uniform;
  } cases[] = {
      {xavier_uniform(), std::sqrt(2.0 / 1800), true}, {xavier_normal(2), 2 * std::sqrt(2.0 / 1800), false},
      {kaiming_uniform(), std::sqrt(2.0 / 300), true}, {kaiming_normal(0.5), std::sqrt(2.0 / 1.25 / 300), false},
      {lecun_uniform(), std::sqrt(1.0 / 300), true},   {lecun_normal(), std::sqrt(1.0 / 300), false},
  };
  for (const auto& c : cases) {
    const Moments m = moments(c.initializer, shape);
    EXPECT_NEAR(m.deviation, c.deviation, 0.02 * c.deviation);
    EXPECT_NEAR(m.mean, 0, 0.02 * c.deviation);
    if (c.uniform)
      EXPECT_LE(m.largest, std::sqrt(3.0) * c.deviation);
    else
      EXPECT_GT(m.largest, 2 * c.deviation);
  }
  EXPECT_LE(moments(truncated_normal(0, 0.1), shape).largest, 0.2);
  EXPECT_GE(moments(uniform(0.5, 0.75), shape).mean, 0.5);
  EXPECT_EQ(moments(constant(3), {4}).mean, 3);
}

TEST(Init, OrthogonalRowsOrColumns) {
  Rng rng(3);
  for (const Shape& shape : {Shape{3, 5}, Shape{5, 3}, Shape{4, 4}}) {
    const Tensor w = orthogonal(2)(shape, f64, rng);
    const bool wide = shape[0] < shape[1];
    const Tensor gram = wide ? matmul(w, transpose(w)) : matmul(transpose(w), w);
    const std::int64_t n = std::min(shape[0], shape[1]);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) EXPECT_NEAR(gram.at({i, j}), i == j ? 4 : 0, 1e-12);
  }
  EXPECT_EQ(orthogonal()({3, 0}, f64, rng).numel(), 0);
}

TEST(Init, RefusesWhatHasNoFanOrNoFraction) {
  Rng rng;
  EXPECT_THROW(xavier_uniform()({3}, f32, rng), ShapeError);
  EXPECT_THROW(orthogonal()({}, f32, rng), ShapeError);
  EXPECT_THROW(normal()({3}, i64, rng), DTypeError);
}

TEST(Init, ChecksWhatAnInitialiserOfOnesOwnGives) {
  Rng rng;
  const auto refusal = [&](const Initializer& init) {
    return message_of([&] { Linear(2, 3, {.weight_init = init, .rng = &rng}); });
  };
  const auto gives = [](const Tensor& value) { return [=](const Shape&, DType, Rng&) { return value; }; };
  EXPECT_THAT(refusal(gives(Tensor())), HasSubstr("a parameter f32 [3, 2] gave an undefined tensor"));
  EXPECT_THAT(refusal(gives(full({2, 3}, 1))), HasSubstr("a parameter f32 [3, 2] gave one of shape [2, 3]"));
  EXPECT_THAT(refusal(gives(full({3, 2}, 1, f64))), HasSubstr("gave one of dtype f64"));
  EXPECT_THAT(refusal(constant(std::nan(""))), HasSubstr("gave nan"));
  EXPECT_THAT(refusal(Initializer::Function{}), HasSubstr("an empty function"));
}

TEST(Init, FollowsTheGenerator) {
  Rng a(1), b(1), c(2);
  const auto first = xavier_uniform()({3, 4}, f32, a).values();
  EXPECT_EQ(xavier_uniform()({3, 4}, f32, b).values(), first);
  EXPECT_NE(xavier_uniform()({3, 4}, f32, c).values(), first);
}

TEST(Init, IsSkippedForWhatAFileFills) {
  Rng rng(1), same(1);
  {
    const Skip skip;
    const Linear layer(3, 2, {.rng = &rng});
    EXPECT_EQ(layer.weight.values(), std::vector<double>(6, 0));
    EXPECT_EQ(layer.weight.shape(), (Shape{2, 3}));
  }
  EXPECT_EQ(xavier_uniform()({3, 4}, f32, rng).values(), xavier_uniform()({3, 4}, f32, same).values());
}

}  // namespace
}  // namespace tapegrad::nn::init
