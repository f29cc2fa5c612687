#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradients.hpp>

namespace tapegrad::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Rfft, IsTheSumThatDefinesItAtAnyLength) {
  Rng rng(1);
  for (const std::int64_t n : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 30, 49, 97, 128, 210}) {
    const Tensor x = randn({n}, f64, rng);
    const auto [re, im] = rfft(x);
    ASSERT_EQ(re.shape(), Shape{n / 2 + 1});
    const std::vector<double> values = x.values();
    for (std::int64_t k = 0; k <= n / 2; ++k) {
      long double real = 0, imaginary = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        const long double angle =
            2 * 3.14159265358979323846264L * static_cast<long double>(j * k % n) / static_cast<long double>(n);
        real += values[static_cast<std::size_t>(j)] * std::cos(angle);
        imaginary -= values[static_cast<std::size_t>(j)] * std::sin(angle);
      }
      EXPECT_NEAR(re.values()[static_cast<std::size_t>(k)], static_cast<double>(real), 1e-13) << n << ", " << k;
      EXPECT_NEAR(im.values()[static_cast<std::size_t>(k)], static_cast<double>(imaginary), 1e-13) << n << ", " << k;
    }
    const Tensor back = irfft({re, im}, n);
    for (std::size_t j = 0; j < values.size(); ++j) EXPECT_NEAR(back.values()[j], values[j], 1e-14) << n;
  }
}

TEST(Rfft, TakesAnyAxis) {
  Rng rng(2);
  const Tensor x = randn({3, 5, 2}, f64, rng);
  const auto [re, im] = rfft(x, 1);
  EXPECT_EQ(re.shape(), (Shape{3, 3, 2}));
  EXPECT_EQ(select(select(im, 0, 1), -1, 1).values(), rfft(select(select(x, 0, 1), -1, 1)).im.values());
  EXPECT_EQ(irfft({re, im}, 5, -2).shape(), x.shape());
  EXPECT_THROW(rfft(x, 3), Error);
  EXPECT_THROW(rfft(zeros({4}), 1), Error);
}

TEST(Rfft, IsDifferentiableThroughProductsOfSpectra) {
  // A circular convolution, as a product of spectra.
  const auto convolved = [](const Tensor& a, const Tensor& b) {
    const auto [ar, ai] = rfft(a);
    const auto [br, bi] = rfft(b);
    return irfft({ar * br - ai * bi, ar * bi + ai * br}, a.shape()[-1]);
  };
  const Tensor a = tensor({1, 2, 0, -1, 3}, f64), b = tensor({0.5, -1, 2, 1, 0}, f64);
  const std::vector<double> y = convolved(a, b).values(), x = a.values(), w = b.values();
  for (std::size_t i = 0; i < 5; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < 5; ++j) sum += x[j] * w[(i + 5 - j) % 5];
    EXPECT_NEAR(y[i], sum, 1e-14);
  }
  EXPECT_THAT(convolved, testing::HasCorrectGradients({a, b}, {.order = 3}));
}

TEST(Irfft, SaysWhichLengthsFit) {
  EXPECT_THAT(
      [] {
        irfft({zeros({3}), zeros({3})}, 7);
      },
      ThrowsMessage<ValueError>(HasSubstr("n is 7, whose spectrum does not have the 3 frequencies of re")));
}

}  // namespace
}  // namespace tapegrad::tests
