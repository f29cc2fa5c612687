#pragma once
// Linear: y = x Wᵀ + b. Bilinear: y = x₁ᵀ W x₂ + b.

#include <tapegrad/nn/init.hpp>
#include <tapegrad/nn/module.hpp>

namespace tapegrad::nn {

/// Of Linear.
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

/// A bilinear map of two vectors: x1 [..., in1] and x2 [..., in2], with equal axes in front, to [..., out].
class Bilinear : public Layer<Bilinear> {
 public:
  /// ValueError if a size is below 1.
  Bilinear(Owner owner, const MemberName& name, std::int64_t in1, std::int64_t in2, std::int64_t out,
           const LinearOptions& options = {});
  Bilinear(std::int64_t in1, std::int64_t in2, std::int64_t out, const LinearOptions& options = {})
      : Bilinear(kNoOwner, "", in1, in2, out, options) {}

  /// ShapeError if the vectors have other sizes or the axes in front differ.
  Tensor forward(const Tensor& x1, const Tensor& x2) const;

  Parameter weight;  ///< [out, in1, in2]
  Parameter bias;    ///< [out]; undefined without one
};

}  // namespace tapegrad::nn
