#include <tapegrad/nn/dropout.hpp>

#include <fmt/format.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/sampling.hpp>

namespace tapegrad::nn {
namespace {

double checked(double rate, const Module& layer) {
  if (!(rate >= 0 && rate < 1))
    throw ValueError(fmt::format("{}: the rate is {}; it must lie in [0, 1)", layer.describe(), rate));
  return rate;
}

}  // namespace

Dropout::Dropout(Owner owner, const MemberName& name, double rate) : Layer(owner, name), rate_(checked(rate, *this)) {}

Tensor Dropout::forward(const Tensor& x) const { return dropout(x, rate_, default_rng(), training()); }

Dropout2d::Dropout2d(Owner owner, const MemberName& name, double rate)
    : Layer(owner, name), rate_(checked(rate, *this)) {}

Tensor Dropout2d::forward(const Tensor& x) const {
  if (x.rank() < 2) throw ShapeError(describe() + ": input " + to_string(x.shape()) + ", expected [B, C, ...]");
  if (!training() || rate_ == 0) return x;
  Shape channels = x.shape();
  for (int axis = 2; axis < x.rank(); ++axis) channels = channels.with(axis, 1);
  return x * dropout(ones(channels, x.dtype()), rate_, default_rng());
}

}  // namespace tapegrad::nn
