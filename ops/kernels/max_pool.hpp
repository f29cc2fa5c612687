#pragma once
// Largest elements of windows over up to three spatial axes.

#include <array>
#include <cstdint>
#include <vector>

namespace tapegrad::kernels {

/// What each window along one axis covers of the input: first, first + step, …, `count` of them, at least one.
struct AxisWindows {
  std::int64_t in = 1, step = 1;
  std::vector<std::int64_t> first, count;

  std::int64_t out() const { return static_cast<std::int64_t>(first.size()); }
};

/// Planes [in…] to planes [out…]; axes that are not there come first, with one window of one element.
using PoolWindows = std::array<AxisWindows, 3>;

/// NaN where there is one.
template <class T>
void max_pool(const PoolWindows& windows, std::int64_t planes, const T* x, T* y);
/// The most cotangents that max_pool_gradient() adds to one element of dx, one after another.
std::int64_t longest_chain(const PoolWindows& windows);
/// dx for the cotangent g of y = max_pool(x): it goes to the first largest element of each window.
template <class T>
void max_pool_gradient(const PoolWindows& windows, std::int64_t planes, const T* x, const T* y, const T* g, T* dx);
/// Where in its plane that element stands.
template <class T>
void max_pool_positions(const PoolWindows& windows, std::int64_t planes, const T* x, const T* y,
                        std::int64_t* positions);

}  // namespace tapegrad::kernels
