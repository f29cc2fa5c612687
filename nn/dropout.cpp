#include <tapegrad/nn/dropout.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>

namespace tapegrad::nn {
namespace {

double checked(double rate, const Module& layer) {
  if (!(rate >= 0 && rate < 1))
    throw ValueError(fmt::format("{}: the rate is {}; it must lie in [0, 1)", layer.describe(), rate));
  return rate;
}

}  // namespace

Dropout::Dropout(double rate) : rate_(checked(rate, *this)) {}

Dropout::Dropout(Module& parent, const MemberName& name, double rate)
    : Layer(parent, name), rate_(checked(rate, *this)) {}

Tensor Dropout::forward(const Tensor& x) const {
  if (!training() || rate_ == 0) return x;
  Tensor mask = empty(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T kept = static_cast<T>(1 / (1 - rate_));
    Rng& rng = default_rng();
    for (T& m : mask.mutable_data<T>()) m = rng.uniform() < rate_ ? T(0) : kept;
  });
  return x * mask;
}

}  // namespace tapegrad::nn
