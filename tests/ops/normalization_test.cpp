#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/normalization.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsNan;
using ::testing::Pointwise;

constexpr double kEps = 0.05;  // large enough to be seen in the derivatives

Tensor composed(const Tensor& x, const Axes& axes, bool centered = true) {
  const Tensor d = centered ? x - mean(x, axes, true) : x;
  return d / sqrt(mean(d * d, axes, true) + kEps);
}

/// x, weight and bias in one tensor, so that mixed derivatives are compared too.
struct Packed {
  explicit Packed(const Tensor& flat, const Shape& shape, const Shape& coefficients)
      : x(part(flat, 0, shape)),
        weight(part(flat, shape.numel(), coefficients)),
        bias(part(flat, shape.numel() + coefficients.numel(), coefficients)) {}
  static Tensor draw(const Shape& shape, const Shape& coefficients, Rng& rng) {
    return randn({shape.numel() + 2 * coefficients.numel()}, f64, rng);
  }
  static Tensor part(const Tensor& flat, std::int64_t begin, const Shape& shape) {
    return reshape(slice(flat, 0, begin, begin + shape.numel()), shape);
  }
  Tensor x, weight, bias;
};

TEST(Normalization, AgreesWithItsCompositionToTheThirdOrder) {
  Rng rng(3);
  const Shape rows{2, 2, 3}, row{2, 3};
  expect_twins(
      [&](const Tensor& t) {
        const Packed p(t, rows, row);
        return layer_norm(p.x, row, {p.weight, p.bias, kEps});
      },
      [&](const Tensor& t) {
        const Packed p(t, rows, row);
        return composed(p.x, {1, 2}) * p.weight + p.bias;
      },
      Packed::draw(rows, row, rng), 3);
  expect_twins(
      [&](const Tensor& t) {
        const Packed p(t, rows, row);
        return rms_norm(p.x, row, {p.weight, kEps}) + p.bias;
      },
      [&](const Tensor& t) {
        const Packed p(t, rows, row);
        return composed(p.x, {1, 2}, false) * p.weight + p.bias;
      },
      Packed::draw(rows, row, rng), 3);
  for (const Shape& images : {Shape{3, 2, 2, 2}, Shape{4, 2}}) {
    const Axes batch = images.rank() == 2 ? Axes{0} : Axes{0, 2, 3};
    const Shape along = images.rank() == 2 ? Shape{2} : Shape{2, 1, 1};
    expect_twins(
        [&](const Tensor& t) {
          const Packed p(t, images, {2});
          return batch_norm(p.x, {p.weight, p.bias, kEps});
        },
        [&](const Tensor& t) {
          const Packed p(t, images, {2});
          return composed(p.x, batch) * reshape(p.weight, along) + reshape(p.bias, along);
        },
        Packed::draw(images, {2}, rng), 3);
  }
  const Shape images{2, 4, 3};
  for (const std::int64_t groups : {1, 2, 4})
    expect_twins(
        [&](const Tensor& t) {
          const Packed p(t, images, {4});
          const NormOptions options{p.weight, p.bias, kEps};
          return groups == 4 ? instance_norm(p.x, options) : group_norm(p.x, groups, options);
        },
        [&](const Tensor& t) {
          const Packed p(t, images, {4});
          const Tensor values = composed(reshape(p.x, {2, groups, -1}), {2});
          return reshape(values, images) * reshape(p.weight, {4, 1}) + reshape(p.bias, {4, 1});
        },
        Packed::draw(images, {4}, rng), 3);
}

TEST(Normalization, TakesWeightAndBiasOrEitherOrNone) {
  Rng rng(4);
  const Tensor x = randn({3, 4, 2}, f64, rng), weight = randn({4}, f64, rng), bias = randn({4}, f64, rng);
  const Tensor plain = group_norm(x, 2);
  const Tensor factors = reshape(weight, {4, 1}), summands = reshape(bias, {4, 1});
  EXPECT_THAT(group_norm(x, 2, {.weight = weight}).values(), Pointwise(DoubleNear(1e-14), (plain * factors).values()));
  EXPECT_THAT(group_norm(x, 2, {.bias = bias}).values(), Pointwise(DoubleNear(1e-14), (plain + summands).values()));
  const Tensor b = parameter(bias);
  EXPECT_THAT(grad(sum(batch_norm(x, {.bias = b})), b).values(), Each(6));
}

// Fused for all that are wanted at once.
TEST(Normalization, GivesEachGradientWhicheverOthersAreWanted) {
  Rng rng(6);
  const std::vector<std::pair<Shape, std::function<Tensor(const Tensor&, const NormOptions&)>>> norms{
      {{18, 4}, [](const Tensor& x, const NormOptions& o) { return layer_norm(x, {4}, o); }},
      {{5, 4, 3}, [](const Tensor& x, const NormOptions& o) { return batch_norm(x, o); }},
      {{5, 4}, [](const Tensor& x, const NormOptions& o) { return batch_norm(x, o); }},
      {{3, 4, 5}, [](const Tensor& x, const NormOptions& o) { return group_norm(x, 2, o); }},
      {{3, 4}, [](const Tensor& x, const NormOptions& o) { return group_norm(x, 2, o); }}};
  for (const auto& [shape, norm] : norms) {
    const Tensor values[] = {randn(shape, f64, rng), randn({4}, f64, rng), randn({4}, f64, rng)};
    const Tensor cotangent = randn(shape, f64, rng);
    const auto gradients = [&, &norm = norm](unsigned wanted) {
      Tensor inputs[3];
      for (unsigned i = 0; i < 3; ++i) inputs[i] = wanted >> i & 1 ? parameter(values[i]) : values[i];
      norm(inputs[0], {inputs[1], inputs[2], kEps}).backward(cotangent);
      return std::array{inputs[0].grad(), inputs[1].grad(), inputs[2].grad()};
    };
    const auto all = gradients(7);
    for (unsigned wanted = 1; wanted < 7; ++wanted) {
      const auto some = gradients(wanted);
      for (unsigned i = 0; i < 3; ++i) {
        ASSERT_EQ(some[i].defined(), (wanted >> i & 1) != 0) << to_string(shape);
        if (wanted >> i & 1) {
          EXPECT_THAT(some[i].values(), Pointwise(DoubleNear(1e-12), all[i].values()));
        }
      }
    }
  }
}

// Of rows this wide, mean and deviation are kept, unless the squares leave the range.
TEST(Normalization, DifferentiatesWideRowsOfAnyMagnitude) {
  Rng rng(7);
  for (const double magnitude : {1.0, 1e-25, 1e25}) {
    const Tensor x = cast(randn({3, 64}, f64, rng) * magnitude, f32), g = randn({3, 64}, f32, rng);
    const auto gradient = [&](DType dtype) {
      const Tensor in = parameter(cast(x, dtype)), weight = parameter(cast(arange(64), dtype));
      layer_norm(in, {64}, {weight}).backward(cast(g, dtype));
      return std::array{cast(in.grad(), f64), cast(weight.grad(), f64)};
    };
    const auto got = gradient(f32), exact = gradient(f64);
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_LE(max(abs(got[i] - exact[i])).item(), 1e-5 * max(abs(exact[i])).item()) << magnitude;
  }
}

TEST(Normalization, KeepsItsDigitsFarFromZero) {
  Rng rng(5);
  const Tensor spread = randn({8, 4096}, f64, rng);
  for (const double offset : {1e3, 1e6}) {
    const Tensor x = parameter(cast(spread + offset, f32));
    // What single precision kept of the elements, the kernel does not lose again.
    const Tensor exact = parameter(cast(x.detach(), f64));
    const Tensor y = layer_norm(x, {4096}), wanted = layer_norm(exact, {4096});
    EXPECT_THAT(y.values(), Pointwise(DoubleNear(2e-6), wanted.values())) << offset;
    EXPECT_THAT(grad(sum(y * y * y), x).values(),
                Pointwise(DoubleNear(1e-4), grad(sum(wanted * wanted * wanted), exact).values()));
  }
}

TEST(Normalization, CoversShapesThatRunInParallel) {
  Rng rng(6);
  struct Case {
    Shape shape;
    std::function<Tensor(const Tensor&, const NormOptions&)> f;
    Shape coefficients;
  };
  const auto batch = [](const Tensor& x, const NormOptions& o) { return batch_norm(x, o); };
  const auto groups = [](const Tensor& x, const NormOptions& o) { return group_norm(x, 4, o); };
  const auto layer = [](const Tensor& x, const NormOptions& o) { return layer_norm(x, {x.shape()[-1]}, o); };
  for (const Case& c : {Case{{700, 130}, batch, {130}}, Case{{20, 12, 17, 19}, batch, {12}},
                        Case{{20, 12, 17, 19}, groups, {12}}, Case{{600, 150}, layer, {150}}}) {
    const Tensor x = randn(c.shape, f64, rng), weight = randn(c.coefficients, f64, rng);
    const auto run = [&](DType dtype) {
      const Tensor at = parameter(cast(x, dtype)), w = parameter(cast(weight, dtype)), b = parameter(w.detach());
      const Tensor y = c.f(at, {w, b, 1e-5});
      (y * y).backward(at.detach());
      return std::array{y, at.grad(), w.grad(), b.grad()};
    };
    const int before = num_threads();
    const auto exact = run(f64), single = run(f32);
    for (const int threads : {1, 3}) {
      set_num_threads(threads);
      const auto again = run(f32);
      for (std::size_t i = 0; i < single.size(); ++i) EXPECT_EQ(again[i].values(), single[i].values()) << threads;
    }
    set_num_threads(before);
    for (std::size_t i = 0; i < single.size(); ++i)
      EXPECT_THAT(single[i].values(), Pointwise(DoubleNear(i < 2 ? 2e-4 : 2e-2), exact[i].values())) << i;
  }
}

TEST(Normalization, GivesTheBiasForEqualElements) {
  const Tensor x = parameter(full({2, 3}, 7, f64)), weight = parameter(full({3}, 2, f64));
  const Tensor y = layer_norm(x, {3}, {.weight = weight, .bias = tensor({1, 2, 3}, f64)});
  EXPECT_THAT(y.values(), ElementsAre(1, 2, 3, 1, 2, 3));
  const auto gradients = grad(std::array{sum(y * y)}, std::array{x, weight});
  for (const double g : gradients[0].values()) EXPECT_TRUE(std::isfinite(g));
  EXPECT_THAT(gradients[1].values(), Each(0));
}

TEST(Normalize, DividesByTheNorm) {
  const Tensor x = parameter(tensor({3, 4, 0, 0}, {2, 2}, f64));
  EXPECT_THAT(normalize(x).values(), ElementsAre(0.6, 0.8, 0, 0));
  EXPECT_THAT(normalize(x, 1, 0).values(), ElementsAre(1, 1, 0, 0));
  const Tensor outputs[] = {normalize(x, 2, 1, 0.5)}, wrt[] = {x}, seeds[] = {ones({2, 2}, f64)};
  EXPECT_THAT(grad(outputs, wrt, seeds)[0].values(),
              ElementsAre(DoubleNear(0.032, 1e-15), DoubleNear(-0.024, 1e-15), 2, 2));
  EXPECT_THAT(normalize(tensor({3e38, 3e38, 1e-44, 0}, {2, 2}), 2, -1, 0).values(),
              ElementsAre(DoubleNear(0.70710678, 1e-7), DoubleNear(0.70710678, 1e-7), 1, 0));
  EXPECT_THROW(normalize(x, 2, 1, -1), ValueError);
  EXPECT_THROW(normalize(x, 0), ValueError);
  expect_twins([](const Tensor& t) { return normalize(t, 3); },
               [](const Tensor& t) { return t / norm(t, 3, {-1}, true); }, tensor({1, -2, 3, 4}, {2, 2}, f64), 3);
}

TEST(BatchNorm, UsesGivenStatistics) {
  Rng rng(7);
  const Tensor x = randn({4, 3, 2}, f64, rng), weight = randn({3}, f64, rng), bias = randn({3}, f64, rng);
  const auto [mean, var] = batch_moments(x);
  // With the batch's own moments both forms are one, but for the divisor of the variance.
  const Tensor own = batch_norm(x, {weight, bias, 1e-5}),
               given = batch_norm(x, mean, var * (7. / 8), {weight, bias, 1e-5});
  EXPECT_THAT(given.values(), Pointwise(DoubleNear(1e-13), own.values()));
  EXPECT_THAT(batch_norm(x, mean, var).values(),
              Pointwise(DoubleNear(1e-13), ((x - reshape(mean, {3, 1})) / sqrt(reshape(var, {3, 1}) + 1e-5)).values()));
  EXPECT_THROW(batch_norm(x, zeros({2}), var), ShapeError);
}

TEST(BatchNorm, MomentsEstimateThoseOfThePopulation) {
  Rng rng(8);
  const Tensor x = randn({5, 3, 4}, f64, rng) + 10;
  const auto [mean_of, var_of] = batch_moments(x);
  EXPECT_THAT(mean_of.values(), Pointwise(DoubleNear(1e-13), mean(x, {0, 2}).values()));
  EXPECT_THAT(var_of.values(), Pointwise(DoubleNear(1e-13), var(x, {0, 2}).values()));
  EXPECT_FALSE(batch_moments(parameter(x)).mean.requires_grad());
  EXPECT_THAT(batch_moments(zeros({0, 2})).mean.values(), Each(IsNan()));
  EXPECT_THAT(batch_moments(zeros({1, 2})).var.values(), Each(IsNan()));
  EXPECT_THROW(batch_moments(zeros({3})), ShapeError);
  EXPECT_THROW(batch_moments(zeros({3, 2}, i64)), DTypeError);
}

}  // namespace
}  // namespace tapegrad::tests
