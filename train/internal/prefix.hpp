#pragma once
// Named tensors of several owners in one list: "model/hidden.weight".

#include <string_view>
#include <tapegrad/core/named_tensors.hpp>

namespace tapegrad::train {

inline void add_with_prefix(NamedTensors& all, std::string_view prefix, const NamedTensors& some) {
  for (const auto& [name, tensor] : some) all.push_back({std::string(prefix) + name, tensor});
}

inline NamedTensors without_prefix(const NamedTensors& all, std::string_view prefix) {
  NamedTensors some;
  for (const auto& [name, tensor] : all)
    if (name.starts_with(prefix)) some.push_back({name.substr(prefix.size()), tensor});
  return some;
}

}  // namespace tapegrad::train
