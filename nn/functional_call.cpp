#include <tapegrad/nn/functional_call.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <unordered_map>

namespace tapegrad::nn {

WithWeights::WithWeights(Module& module, const NamedTensors& weights) { replace(module, weights); }

WithWeights::WithWeights(Module& module, const std::vector<Tensor>& weights) {
  NamedTensors named = module.named_parameters();
  if (weights.size() != named.size())
    throw ValueError(
        fmt::format("functional_call: {} weights for {}, which has {} parameters; give one for each, in "
                    "the order of parameters(), or some by name",
                    weights.size(), module.describe(), named.size()));
  for (std::size_t i = 0; i < named.size(); ++i) named[i].tensor = weights[i];
  replace(module, named);
}

void WithWeights::replace(Module& module, const NamedTensors& weights) {
  std::unordered_map<std::string, OwnedTensor*> places;
  module.walk("", nullptr, [&](const std::string& name, OwnedTensor& tensor, Module::Kind) { places[name] = &tensor; });
  // All is checked before any is replaced.
  for (const NamedTensor& given : weights) {
    const Tensor& weight = given.tensor;
    const auto found = places.find(given.name);
    if (found == places.end())
      throw ValueError(
          fmt::format("functional_call: {} has no parameter or buffer '{}', or it was given twice; its names are those "
                      "of state()",
                      module.describe(), given.name));
    Tensor& own = *found->second;
    places.erase(found);
    const auto fit = [&] { return fmt::format("functional_call: '{}' is {}", given.name, describe(own)); };
    if (!weight.defined()) throw ValueError(fit() + ", and the weight given for it is undefined");
    if (weight.shape() != own.shape())
      throw ShapeError(fit() + ", not " + describe(weight) + "; the shapes must be equal");
    if (weight.dtype() != own.dtype())
      throw DTypeError(fit() + ", not " + describe(weight) + "; the dtypes must be equal");
    own_.emplace_back(&own, weight);
  }
  for (auto& [place, tensor] : own_) std::swap(*place, tensor);
}

WithWeights::~WithWeights() {
  for (auto& [place, tensor] : own_) std::swap(*place, tensor);
}

}  // namespace tapegrad::nn
