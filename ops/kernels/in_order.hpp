#pragma once
// Sums and products of a row whose bits depend on its numbers alone. Eigen's, of memory, begin at an aligned address,
// so that the same numbers elsewhere are added in another order.

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tapegrad/core/internal/summation.hpp>

namespace tapegrad::kernels {

/// Joins x[0 … n) by `join(a, b)`, on arrays and on numbers of the type of `neutral`, beginning with that.
template <class T, class S, class Join>
S join_in_order(const T* x, std::int64_t n, S neutral, const Join& join) {
  constexpr int kLanes = 128 / sizeof(T);
  if (n < kLanes) return std::accumulate(x, x + n, neutral, join);
  Eigen::Array<S, kLanes, 1> lanes = Eigen::Array<S, kLanes, 1>::Constant(neutral);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    lanes = join(lanes, Eigen::Map<const Eigen::Array<T, kLanes, 1>>(x + i).template cast<S>());
  S rest = neutral;
  for (; i < n; ++i) rest = join(rest, x[i]);
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) lanes[l] = join(lanes[l], lanes[l + width]);
  return join(lanes[0], rest);
}

template <class T>
Total<T> sum_in_order(const T* x, std::int64_t n) {
  constexpr std::int64_t kBlock = kChain / 2 * 128 / sizeof(T);
  Total<T> sum = 0;
  for (std::int64_t i = 0; i < n; i += kBlock)
    sum += static_cast<Total<T>>(
        join_in_order(x + i, std::min(kBlock, n - i), T{0}, [](const auto& a, const auto& b) { return a + b; }));
  return sum;
}

/// The product of numbers whose partial products may leave even the range of Total<T>.
template <class T>
T product_of_parts(const T* x, std::int64_t n) {
  T fraction = 1;
  std::int64_t exponent = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    int part = 0;
    fraction *= std::frexp(x[i], &part);
    exponent += part;
    fraction = std::frexp(fraction, &part);
    exponent += part;
  }
  constexpr std::int64_t kBeyond = 4 * std::numeric_limits<T>::max_exponent;
  return std::ldexp(fraction, static_cast<int>(std::clamp(exponent, -kBeyond, kBeyond)));
}

/// The product, also where a part of it leaves the range.
template <class T>
T product_in_order(const T* x, std::int64_t n) {
  using Wide = Total<T>;
  const Wide product = join_in_order(x, n, Wide{1}, [](const auto& a, const auto& b) { return a * b; });
  if constexpr (std::is_floating_point_v<T>)
    if (!(std::abs(product) >= std::numeric_limits<Wide>::min() && std::isfinite(product)))
      return product_of_parts(x, n);
  return static_cast<T>(product);
}

}  // namespace tapegrad::kernels
