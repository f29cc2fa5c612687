#pragma once
// Residual: y = x + f(x) (He et al. 2016).

#include <tapegrad/nn/sequential.hpp>

namespace tapegrad::nn {

/// The input added to what layers make of it, one after the other:
///
///   nn::Residual block{nn::Linear(64, 64), relu, nn::Linear(64, 64)};
class Residual : public Layer<Residual> {
 public:
  template <class... Stages>
  requires(StageFunction<std::decay_t<Stages>>&&...) Residual(Owner owner, const MemberName& name, Stages&&... stages)
      : Layer(owner, name), body(*this, "body", std::forward<Stages>(stages)...) {}
  template <class... Stages>
  requires(sizeof...(Stages) > 0 && (StageFunction<std::decay_t<Stages>> && ...)) explicit Residual(Stages&&... stages)
      : Residual(kNoOwner, "", std::forward<Stages>(stages)...) {}

  /// ShapeError if the layers change the shape.
  Tensor forward(const Tensor& x);

  Sequential body;
};

}  // namespace tapegrad::nn
