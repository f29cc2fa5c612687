#include <tapegrad/core/named_tensors.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <unordered_map>

namespace tapegrad {
namespace {

std::string dtype_and_shape(const Tensor& tensor) {
  return std::string(name_of(tensor.dtype())) + " " + to_string(tensor.shape());
}

}  // namespace

const Tensor* find(const NamedTensors& tensors, std::string_view name) {
  const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
  return found == tensors.end() ? nullptr : &found->tensor;
}

NamedTensors clone(const NamedTensors& tensors) {
  NamedTensors copies;
  copies.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) copies.push_back({name, tensor.clone()});
  return copies;
}

std::string abridged(const std::vector<std::string>& items) {
  constexpr std::ptrdiff_t kShown = 8;
  const std::ptrdiff_t more = std::ssize(items) - kShown;
  std::string text = fmt::format("{}", fmt::join(items.begin(), more > 0 ? items.begin() + kShown : items.end(), ", "));
  if (more > 0) text += fmt::format(" and {} more", more);
  return text;
}

void overwrite(const NamedTensors& target, const NamedTensors& source, std::string_view what) {
  std::unordered_map<std::string_view, const Tensor*> unused;
  std::vector<std::string> missing, unexpected, different;
  for (const auto& [name, tensor] : source)
    if (!unused.emplace(name, &tensor).second) unexpected.push_back(name + " (a second time)");
  std::vector<Tensor> values;
  for (const auto& [name, tensor] : target) {
    const auto found = unused.find(name);
    if (found == unused.end()) {
      missing.push_back(name);
      continue;
    }
    const Tensor& value = *found->second;
    if (value.shape() != tensor.shape() || value.dtype() != tensor.dtype())
      different.push_back(fmt::format("{} is {}, expected {}", name, dtype_and_shape(value), dtype_and_shape(tensor)));
    values.push_back(value);
    unused.erase(found);
  }
  for (const auto& [name, tensor] : source)
    if (const auto found = unused.find(name); found != unused.end() && found->second == &tensor)
      unexpected.push_back(name);

  std::vector<std::string> faults;
  if (!missing.empty()) faults.push_back("missing: " + abridged(missing));
  if (!unexpected.empty()) faults.push_back("unexpected: " + abridged(unexpected));
  if (!different.empty()) faults.push_back(abridged(different));
  if (!faults.empty()) throw ValueError(fmt::format("{}: the tensors do not fit: {}", what, fmt::join(faults, "; ")));
  for (std::size_t i = 0; i < values.size(); ++i) Tensor(target[i].tensor).copy_from(values[i]);
}

}  // namespace tapegrad
