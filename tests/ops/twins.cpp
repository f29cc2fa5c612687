#include "twins.hpp"

#include <gtest/gtest.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace tapegrad::tests {
namespace {

void expect_near(const Tensor& got, const Tensor& wanted, const std::string& what) {
  const auto a = got.values(), b = wanted.values();
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], 1e-8 * std::max(1.0, std::abs(b[i]))) << what << ", element " << i;
}

Tensor weighted(const Tensor& y) {
  Rng rng(17);
  return sum(y * rand(y.shape(), 0.5, 1.5, f64, rng));
}

/// The value and the derivatives of `f` at `x`, the last of them computed without a record when `plain`.
std::vector<Tensor> derivatives(const Unary& f, const Tensor& x, int order, bool plain) {
  const Tensor at = parameter(x);
  std::vector<Tensor> all{f(at)};
  for (int i = 1; i <= order; ++i) {
    const Tensor y = weighted(all.back());
    all.push_back(y.requires_grad() ? grad(y, at, {.create_graph = !plain || i < order}) : x - x);
  }
  return all;
}

}  // namespace

void expect_twins(const Unary& fused, const Unary& composed, const Tensor& x, int order) {
  const auto wanted = derivatives(composed, x, order, false);
  for (int last = 1; last <= order; ++last) {
    const auto recorded = derivatives(fused, x, last, false), plain = derivatives(fused, x, last, true);
    for (int i = 0; i <= last; ++i) {
      const auto at = static_cast<std::size_t>(i);
      expect_near(recorded[at], wanted[at], "order " + std::to_string(i) + ", recorded");
      expect_near(plain[at], wanted[at], "order " + std::to_string(i) + " of " + std::to_string(last));
    }
  }
}

}  // namespace tapegrad::tests
