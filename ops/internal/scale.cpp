#include <tapegrad/ops/internal/scale.hpp>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/kernels/norm.hpp>

namespace tapegrad::internal {

bool is_moderate(const Tensor& t, Zeros zeros) {
  const Tensor dense = t.detach().contiguous();
  return dispatch_floating(t.dtype(), [&]<class T>() {
    constexpr T kLarge = sizeof(T) == 4 ? T(0x1p50) : T(0x1p450), kSmall = 1 / kLarge;
    bool moderate = true;
    for (const T v : dense.data<T>()) {
      const T size = std::abs(v);
      moderate &= (size >= kSmall && size <= kLarge) || (size == 0 && zeros == Zeros::exact);
    }
    return moderate;
  });
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

Tensor mean_in_range(const Tensor& x, const Axes& axes) {
  const Tensor plain = mean(x, axes, true);
  const Tensor dense = plain.detach().contiguous();
  const bool finite = dispatch_floating(
      x.dtype(), [&]<class T>() { return std::ranges::all_of(dense.data<T>(), [](T v) { return std::isfinite(v); }); });
  constexpr double kDown = 0x1p-64;
  return finite ? plain : mean(x * kDown, axes, true) / kDown;
}

}  // namespace tapegrad::internal
