#pragma once
// Layer: a module that is called.

#include <array>
#include <optional>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/nn/module.hpp>
#include <type_traits>
#include <utility>

namespace tapegrad::nn {

/// While it lives, what this thread records is in a scope of the layer's path, as its parameters' names have it: below
/// the layer that is being called, if that is an ancestor ("blocks.3" within "encoder"), and else the whole path.
class LayerScope {
 public:
  LayerScope(const Module& layer, Location where);
  ~LayerScope();
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;

 private:
  const Module* outer_;
  std::optional<Scope> scope_;  // none for a model itself, which has no name
};

/// The base of layers and of users' own blocks, which have a function `forward`:
///
///   struct Block : nn::Layer<Block> {
///     using Layer::Layer;
///     nn::Linear in{*this, "in", 64, 256}, out{*this, "out", 256, 64};
///     Tensor forward(const Tensor& x) const { return x + out(relu(in(x))); }
///   };
///
/// Calling a layer runs `forward` in a LayerScope, so that pictures of the graph show the layer, and then the forward
/// hooks.
template <class Self>
class Layer : public Module {
 public:
  using Module::Module;

  template <class... Arguments>
  auto operator()(Arguments&&... arguments) {
    return call(static_cast<Self&>(*this), std::forward<Arguments>(arguments)...);
  }
  template <class... Arguments>
  auto operator()(Arguments&&... arguments) const {
    return call(static_cast<const Self&>(*this), std::forward<Arguments>(arguments)...);
  }

 private:
  template <class L, class... Arguments>
  static auto call(L& layer, Arguments&&... arguments) {
    const LayerScope scope(layer, layer.declared_at());
    auto output = layer.forward(arguments...);
    if constexpr (std::is_same_v<decltype(output), Tensor>)
      if (layer.has_forward_hooks()) return layer.run_forward_hooks(tensors_of(arguments...), std::move(output));
    return output;
  }

  template <class... Arguments>
  static std::vector<Tensor> tensors_of(const Arguments&... arguments) {
    std::vector<Tensor> tensors;
    const auto add = [&](const auto& argument) {
      if constexpr (std::is_convertible_v<decltype(argument), const Tensor&>) tensors.push_back(argument);
    };
    (add(arguments), ...);
    return tensors;
  }
};

}  // namespace tapegrad::nn
