#include <tapegrad/nn/normalization.hpp>

#include <fmt/format.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/recompute.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/normalization.hpp>

namespace tapegrad::nn {
namespace {

double checked_eps(const Module& layer, double eps) {
  if (!(eps > 0)) throw ValueError(fmt::format("{}: eps is {}; it must be positive", layer.describe(), eps));
  return eps;
}

void require_extent(const Module& layer, std::int64_t extent) {
  if (extent < 1) throw ValueError(fmt::format("{}: a size of {}; it must be at least 1", layer.describe(), extent));
}

void create_affine(Module& layer, Parameter& weight, Parameter& bias, const Shape& shape, DType dtype) {
  weight.create(layer, "weight", ones(shape, dtype));
  bias.create(layer, "bias", zeros(shape, dtype));
}

void require_channels(const Module& layer, const Tensor& x, std::int64_t channels) {
  if (x.rank() < 2 || x.size(1) != channels)
    throw ShapeError(
        fmt::format("{}: input {}, expected [B, {}, ...]", layer.describe(), to_string(x.shape()), channels));
}

}  // namespace

LayerNorm::LayerNorm(Owner owner, const MemberName& name, const Shape& shape, const NormOptions& options)
    : Layer(owner, name), shape_(shape), eps_(checked_eps(*this, options.eps)) {
  if (shape_.rank() < 1) throw ValueError(describe() + ": a shape of rank 0; name at least one axis");
  for (const std::int64_t extent : shape_) require_extent(*this, extent);
  if (options.affine) create_affine(*this, weight, bias, shape_, options.dtype);
}

Tensor LayerNorm::forward(const Tensor& x) const {
  const int lead = x.rank() - shape_.rank();
  if (lead < 0 || !std::equal(shape_.begin(), shape_.end(), x.shape().begin() + lead))
    throw ShapeError(fmt::format("{}: input {}, expected one that ends with {}", describe(), to_string(x.shape()),
                                 to_string(shape_)));
  return layer_norm(x, shape_, {.weight = weight, .bias = bias, .eps = eps_});
}

RmsNorm::RmsNorm(Owner owner, const MemberName& name, std::int64_t width, const NormOptions& options)
    : Layer(owner, name), width_(width), eps_(checked_eps(*this, options.eps)) {
  require_extent(*this, width);
  if (options.affine) weight.create(*this, "weight", ones({width}, options.dtype));
}

Tensor RmsNorm::forward(const Tensor& x) const {
  if (x.rank() < 1 || x.size(-1) != width_)
    throw ShapeError(fmt::format("{}: input {}, expected [..., {}]", describe(), to_string(x.shape()), width_));
  return rms_norm(x, Shape{width_}, {.weight = weight, .eps = eps_});
}

GroupNorm::GroupNorm(Owner owner, const MemberName& name, std::int64_t groups, std::int64_t channels,
                     const NormOptions& options)
    : Layer(owner, name), groups_(groups), channels_(channels), eps_(checked_eps(*this, options.eps)) {
  if (groups < 1 || channels < 1 || channels % groups != 0)
    throw ValueError(
        fmt::format("{}: {} groups of {} channels; the groups must divide the channels", describe(), groups, channels));
  if (options.affine) create_affine(*this, weight, bias, {channels}, options.dtype);
}

Tensor GroupNorm::forward(const Tensor& x) const {
  require_channels(*this, x, channels_);
  return group_norm(x, groups_, {.weight = weight, .bias = bias, .eps = eps_});
}

InstanceNorm::InstanceNorm(Owner owner, const MemberName& name, std::int64_t channels, const NormOptions& options)
    : Layer(owner, name), channels_(channels), eps_(checked_eps(*this, options.eps)) {
  require_extent(*this, channels);
  if (options.affine) create_affine(*this, weight, bias, {channels}, options.dtype);
}

Tensor InstanceNorm::forward(const Tensor& x) const {
  require_channels(*this, x, channels_);
  return instance_norm(x, {.weight = weight, .bias = bias, .eps = eps_});
}

BatchNorm::BatchNorm(Owner owner, const MemberName& name, std::int64_t channels, const BatchNormOptions& options)
    : Layer(owner, name), channels_(channels), eps_(checked_eps(*this, options.eps)), momentum_(options.momentum) {
  require_extent(*this, channels);
  if (!(momentum_ > 0 && momentum_ <= 1))
    throw ValueError(fmt::format("{}: the momentum is {}; it must lie in (0, 1]", describe(), momentum_));
  if (options.affine) create_affine(*this, weight, bias, {channels}, options.dtype);
  running_mean.create(*this, "running_mean", zeros({channels}, options.dtype));
  running_var.create(*this, "running_var", ones({channels}, options.dtype));
}

void BatchNorm::follow(const BatchMoments& batch) {
  if (recomputing()) return;
  const NoGrad unrecorded;
  running_mean.copy_from(running_mean + momentum_ * (batch.mean - running_mean));
  running_var.copy_from(running_var + momentum_ * (batch.var - running_var));
}

Tensor BatchNorm::forward(const Tensor& x) {
  require_channels(*this, x, channels_);
  const tapegrad::NormOptions options{.weight = weight, .bias = bias, .eps = eps_};
  if (!training()) return batch_norm(x, running_mean, running_var, options);
  if (x.numel() == channels_)
    throw ValueError(
        fmt::format("{}: input {} has one value a channel, which has no variance to train by; use larger "
                    "batches, or eval()",
                    describe(), to_string(x.shape())));
  follow(batch_moments(x));
  return batch_norm(x, options);
}

}  // namespace tapegrad::nn
