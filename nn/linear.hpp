#pragma once
// Linear: y = x Wᵀ + b.

#include <tapegrad/nn/init.hpp>
#include <tapegrad/nn/layer.hpp>

namespace tapegrad::nn {

struct LinearOptions {
  bool bias = true;
  init::Initializer weight_init = init::xavier_uniform();
  init::Initializer bias_init = init::zeros();
  DType dtype = f32;
  Rng* rng = nullptr;  ///< null: default_rng()
};

/// An affine map of the last axis: x [..., in] to [..., out].
class Linear : public Layer<Linear> {
 public:
  /// ValueError if a size is below 1.
  Linear(Owner owner, const MemberName& name, std::int64_t in, std::int64_t out, const LinearOptions& options = {});
  Linear(std::int64_t in, std::int64_t out, const LinearOptions& options = {})
      : Linear(kNoOwner, "", in, out, options) {}

  /// ShapeError if x has another number of features.
  Tensor forward(const Tensor& x) const;

  std::int64_t in() const { return weight.size(1); }
  std::int64_t out() const { return weight.size(0); }

  Parameter weight;  ///< [out, in]
  Parameter bias;    ///< [out]; undefined without one
};

}  // namespace tapegrad::nn
