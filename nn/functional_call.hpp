#pragma once
// A module computed with other weights than its own, as derivatives with respect to the weights need it:
//
//   auto loss_of = [&](std::span<const Tensor> weights) {
//     return nn::mse_loss(nn::functional_call(model, {weights.begin(), weights.end()}, x), y);
//   };
//   auto h = hessian(loss_of, model.parameters());

#include <tapegrad/nn/module.hpp>

namespace tapegrad::nn {

/// While it lives, tensors take the place of a module's own: what it computes is recorded as computed from them. The
/// module's own are left alone. Of one module one thread at a time.
class WithWeights {
 public:
  /// By names, as state() has them; the others keep their own. ValueError for a name that is not there or there twice;
  /// ShapeError or DTypeError if one does not fit its place.
  WithWeights(Module& module, const NamedTensors& weights);
  /// All parameters, in the order of parameters().
  WithWeights(Module& module, const std::vector<Tensor>& weights);
  ~WithWeights();
  WithWeights(const WithWeights&) = delete;
  WithWeights& operator=(const WithWeights&) = delete;

 private:
  void replace(Module& module, const NamedTensors& weights);

  std::vector<std::pair<Tensor*, Tensor>> own_;
};

namespace detail {
template <class Model, class... Arguments>
auto called(Model& module, Arguments&&... arguments) {
  if constexpr (requires { module(std::forward<Arguments>(arguments)...); })
    return module(std::forward<Arguments>(arguments)...);
  else
    return module.forward(std::forward<Arguments>(arguments)...);
}
}  // namespace detail

/// What `module` makes of the arguments with `weights` in place of its own: see WithWeights.
template <std::derived_from<Module> Model, class... Arguments>
auto functional_call(Model& module, const std::vector<Tensor>& weights, Arguments&&... arguments) {
  const WithWeights with(module, weights);
  return detail::called(module, std::forward<Arguments>(arguments)...);
}
template <std::derived_from<Module> Model, class... Arguments>
auto functional_call(Model& module, const NamedTensors& weights, Arguments&&... arguments) {
  const WithWeights with(module, weights);
  return detail::called(module, std::forward<Arguments>(arguments)...);
}

}  // namespace tapegrad::nn
