#include <tapegrad/ops/internal/scale.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/kernels/norm.hpp>

namespace tapegrad::internal {
namespace {

template <class T>
constexpr T kLarge = sizeof(T) == 4 ? T(0x1p50) : T(0x1p450);

/// Whether fits(|v|) for all elements.
template <class Fits>
bool all_sizes(const Tensor& t, const Fits& fits) {
  const Tensor dense = t.detach().contiguous();
  return dispatch_floating(t.dtype(), [&]<class T>() {
    bool all = true;
    for (const T v : dense.data<T>()) all &= fits(std::abs(v));
    return all;
  });
}

}  // namespace

bool is_moderate(const Tensor& t, Zeros zeros) {
  return all_sizes(t, [zero = zeros == Zeros::exact]<class T>(T size) {
    return (size >= 1 / kLarge<T> && size <= kLarge<T>) || (size == 0 && zero);
  });
}

bool is_moderate_to_power(const Tensor& t, std::int64_t n) {
  return all_sizes(t, [n]<class T>(T size) {
    const T limit =
        std::exp2(T(std::numeric_limits<T>::max_exponent - 8) / static_cast<T>(std::max<std::int64_t>(n, 1)));
    return (size >= 1 / limit && size <= limit) || size == 0;
  });
}

bool is_far_from_infinity(const Tensor& t) {
  return all_sizes(t, []<class T>(T size) { return size <= kLarge<T>; });
}

Tensor scale_to_one(const Tensor& x, const Axes& axes, double least) {
  const NoGrad unrecorded;
  if (x.numel() == 0) return ones({}, x.dtype());
  Tensor scale = amax(abs(x.detach()), axes, true).contiguous();
  dispatch_floating(scale.dtype(), [&]<class T>() {
    const T floor = static_cast<T>(least);
    for (T& s : scale.mutable_data<T>()) s = kernels::scale_to_one(s < floor ? floor : s);
  });
  return scale;
}

}  // namespace tapegrad::internal
