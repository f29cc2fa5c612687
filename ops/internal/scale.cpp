#include <tapegrad/ops/internal/scale.hpp>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/kernels/norm.hpp>
#include <tapegrad/ops/view.hpp>
#include <type_traits>

namespace tapegrad::internal {
namespace {

template <class T>
constexpr T kLarge = sizeof(T) == 4 ? T(0x1p50) : T(0x1p450);

/// Whether fits(|v|) for all elements.
template <class Fits>
bool all_sizes(const Tensor& t, const Fits& fits) {
  const Tensor dense = t.detach().contiguous();
  return dispatch_floating(t.dtype(), [&]<class T>() {
    // As wide as T: flags of another width are packed element by element.
    std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t> outside = 0;
    for (const T v : dense.data<T>()) outside |= fits(std::abs(v)) ? 0 : 1;
    return outside == 0;
  });
}

}  // namespace

bool is_moderate(const Tensor& t, Zeros zeros) {
  return all_sizes(t, [zero = zeros == Zeros::exact]<class T>(T size) {
    return (size >= 1 / kLarge<T> && size <= kLarge<T>) || (size == 0 && zero);
  });
}

Tensor in_range_of_products(const Tensor& t, std::int64_t n) {
  if (t.dtype() != f32) return t;
  const float most = std::exp2(120 / static_cast<float>(std::max<std::int64_t>(n, 1))), least = 1 / most;
  const bool inside = all_sizes(t, [=](auto size) { return (size >= least && size <= most) || size == 0; });
  return inside ? t : cast(t, f64);
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
