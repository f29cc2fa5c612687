#include <cmath>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/detector.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/resample.hpp>

namespace tapegrad::nn::models {
namespace {

constexpr std::size_t kFinest = 2;  // of the halvings, the one whose cells are Detector::kCell
constexpr double kRare = 0.01;      // probability of a class to begin with (Lin et al. 2017)
constexpr double kFirstReach = 3;   // cells from a middle to an edge, to begin with

ConvOptions output_options(double bias, Rng* rng) {
  return {.weight_init = init::normal(0, 0.01), .bias_init = init::constant(bias), .rng = rng};
}

}  // namespace

ConvBlock::ConvBlock(Owner owner, const MemberName& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                     std::int64_t stride, Rng* rng)
    : Layer(owner, name),
      conv(*this, "conv", in, out, PerAxis(kernel),
           {.stride = stride, .padding = kernel / 2, .bias = false, .rng = rng}),
      norm(*this, "norm", out) {}

Tensor ConvBlock::forward(const Tensor& x) { return relu(norm(conv(x))); }

Detector::Detector(const DetectorOptions& options)
    : classify(*this, "classify", options.features, options.classes, PerAxis(1),
               output_options(-std::log(1 / kRare - 1), options.rng)),
      locate(*this, "locate", options.features, 4, PerAxis(1), output_options(kFirstReach, options.rng)) {
  if (options.channels.size() <= kFinest)
    throw ValueError("Detector: " + std::to_string(options.channels.size()) + " channels; three at least are needed");
  std::int64_t in = options.colours;
  for (std::size_t i = 0; i < options.channels.size(); ++i) {
    const std::int64_t out = options.channels[i];
    halvings.emplace_back(in, out, 3, 2, options.rng);
    // A second look, but for the largest pictures, where it is dear.
    if (i > 0) refinements.emplace_back(out, out, 3, 1, options.rng);
    if (i >= kFinest) laterals.emplace_back(out, options.features, 1, 1, options.rng);
    in = out;
  }
  for (int i = 0; i < 2; ++i) head.emplace_back(options.features, options.features, 3, 1, options.rng);
}

Tensor Detector::forward(const Tensor& pictures) {
  std::vector<Tensor> seen;  // from kFinest on
  Tensor x = pictures;
  for (std::size_t i = 0; i < halvings.size(); ++i) {
    x = halvings[i](x);
    if (i > 0) x = refinements[i - 1](x);
    if (i >= kFinest) seen.push_back(laterals[i - kFinest](x));
  }
  x = seen.back();
  for (std::size_t i = seen.size() - 1; i-- > 0;)
    x = seen[i] + interpolate(x, {.size = {seen[i].size(2), seen[i].size(3)}});
  for (ConvBlock& block : head) x = block(x);
  return concat({classify(x), locate(x)}, 1);
}

}  // namespace tapegrad::nn::models
