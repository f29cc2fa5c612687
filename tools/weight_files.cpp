#include "weight_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/interchange/onnx.hpp>
#include <tapegrad/interchange/tensor_file.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <vector>

#include "onnx_model.hpp"

namespace tapegrad::tools {
namespace {

double norm_of(const Tensor& x) { return norm(x).item(); }

std::string described(const NamedTensor& t) {
  return fmt::format("{}  {} {}", printable(t.name, 80), name_of(t.tensor.dtype()), to_string(t.tensor.shape()));
}

/// Empty if they are the same.
std::string difference(const NamedTensor& before, const NamedTensor& after) {
  if (before.tensor.shape() != after.tensor.shape() || before.tensor.dtype() != after.tensor.dtype())
    return fmt::format("{} is {} {}", described(before), name_of(after.tensor.dtype()),
                       to_string(after.tensor.shape()));
  const Tensor a = cast(before.tensor.detach(), f64), b = cast(after.tensor.detach(), f64);
  const double size = norm_of(a), change = norm_of(b - a);
  // A NaN in one of them makes a NaN of the norm.
  if (change == 0) return "";
  return fmt::format("{}  norm of the difference {:.3g}{}", described(before), change,
                     size > 0 ? fmt::format(", {:.3g} % of its norm", 100 * change / size) : "");
}

}  // namespace

NamedTensors weights_in(const std::filesystem::path& path) {
  if (is_onnx(path)) {
    const onnx::Model model = onnx::load(path, {.allow_unsupported = true});
    NamedTensors all = model.parameters();
    all.insert(all.end(), model.constants().begin(), model.constants().end());
    return all;
  }
  std::error_code ignored;
  return io::load_tensors(std::filesystem::is_directory(path, ignored) ? path / "model.safetensors" : path);
}

graph::ComputationGraph tree_graph(const NamedTensors& tensors, std::string title) {
  std::vector<Tensor> leaves;
  for (const auto& [name, tensor] : tensors) {
    const Tensor value = tensor.detach();
    leaves.push_back(is_floating(value.dtype()) ? parameter(value) : value);
    leaves.back().set_name(name);
  }
  return graph::capture(std::vector<Tensor>{},
                        {.title = std::move(title), .gradients = false, .statistics = true, .also = leaves});
}

WeightDifference weight_difference(const NamedTensors& before, const NamedTensors& after) {
  const NoGrad no_grad;
  std::map<std::string_view, const NamedTensor*> rest;
  for (const NamedTensor& t : after) rest.emplace(t.name, &t);
  std::vector<std::string> lines;
  std::size_t both = 0;
  for (const NamedTensor& t : before) {
    const auto found = rest.find(t.name);
    if (found == rest.end()) {
      lines.push_back("- " + described(t));
      continue;
    }
    ++both;
    if (std::string line = difference(t, *found->second); !line.empty()) lines.push_back("~ " + std::move(line));
    rest.erase(found);
  }
  const std::size_t changed =
      static_cast<std::size_t>(std::ranges::count_if(lines, [](const std::string& l) { return l[0] == '~'; }));
  const std::size_t removed = lines.size() - changed;
  for (const NamedTensor& t : after)
    if (rest.contains(t.name)) lines.push_back("+ " + described(t));
  return {fmt::format("{}{}weights: {} of {} differ, {} added, {} removed\n", fmt::join(lines, "\n"),
                      lines.empty() ? "" : "\n", changed, both, rest.size(), removed),
          !lines.empty()};
}

}  // namespace tapegrad::tools
