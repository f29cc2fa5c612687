#pragma once
// Bilinear: y = x₁ᵀ W x₂ + b.

#include <tapegrad/nn/linear.hpp>

namespace tapegrad::nn {

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
