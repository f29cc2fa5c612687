#include <tapegrad/nn/dropout.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/sampling.hpp>

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

Tensor Dropout::forward(const Tensor& x) const { return dropout(x, rate_, default_rng(), training()); }

}  // namespace tapegrad::nn
