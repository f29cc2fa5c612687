// What a module holds, as names and numbers: saved, loaded, frozen, listed.

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/module.hpp>
#include <unordered_map>

namespace tapegrad::nn {
namespace {

std::string with_separators(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (std::ptrdiff_t i = std::ssize(digits) - 3; i > 0; i -= 3) digits.insert(static_cast<std::size_t>(i), 1, ',');
  return digits;
}

}  // namespace

NamedTensors Module::state() const {
  NamedTensors all;
  walk("", nullptr, [&](const std::string& name, OwnedTensor& tensor, Kind) { all.push_back({name, tensor}); });
  return all;
}

void Module::load_state(const NamedTensors& given) { overwrite(state(), given, "load_state: " + describe()); }

std::int64_t Module::set_trainable(std::string_view pattern, bool on) {
  const std::string glob(pattern);
  std::int64_t matched = 0;
  std::vector<std::string> names;
  for (auto& [name, tensor] : named_parameters()) {
    names.push_back(name);
    if (::fnmatch(glob.c_str(), name.c_str(), 0) != 0) continue;
    tensor.set_requires_grad(on);
    if (!on) tensor.clear_grad();
    ++matched;
  }
  if (matched == 0)
    throw ValueError(fmt::format("{}: no parameter of {} matches '{}'; it has {}", on ? "unfreeze" : "freeze",
                                 describe(), pattern, names.empty() ? "none" : abridged(names)));
  return matched;
}

std::string Module::summary() const {
  struct Row {
    std::string module, type, tensors, count;
    std::int64_t elements;
  };
  std::vector<Row> rows;
  std::unordered_map<std::string, std::size_t> row_of;
  const auto on_module = [&](const std::string& path, Module& module) {
    row_of[path] = rows.size();
    rows.push_back({path, module.type_name(), "", "", 0});
  };
  const auto on_tensor = [&](const std::string& path, OwnedTensor& tensor, Kind kind) {
    const std::size_t dot = path.rfind('.');
    Row& row = rows[row_of.at(dot == std::string::npos ? "" : path.substr(0, dot))];
    if (!row.tensors.empty()) row.tensors += "  ";
    row.tensors += path.substr(dot + 1) + " " + to_string(tensor.shape());
    if (kind == Kind::parameter && !tensor.requires_grad()) row.tensors += " frozen";
    if (kind == Kind::parameter) row.elements += tensor.numel();
  };
  walk("", on_module, on_tensor);
  // The model itself has a row only if it has tensors, or nothing else has.
  if (rows.size() > 1 && rows[0].tensors.empty()) rows.erase(rows.begin());
  for (Row& row : rows) row.count = with_separators(row.elements);

  std::size_t module = 6, type = 4, tensors = 7, count = 10;
  for (const Row& row : rows) {
    module = std::max(module, row.module.size());
    type = std::max(type, row.type.size());
    tensors = std::max(tensors, row.tensors.size());
    count = std::max(count, row.count.size());
  }
  const auto line = [&](std::string_view a, std::string_view b, std::string_view c, std::string_view d) {
    return fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}\n", a, module, b, type, c, tensors, d, count);
  };
  const std::string rule(module + type + tensors + count + 6, '-');
  std::string text = line("module", "type", "tensors", "parameters") + rule + "\n";
  for (const Row& row : rows)
    text += line(row.module.empty() ? "(model)" : row.module, row.type, row.tensors, row.count);
  const std::int64_t all = parameter_count(), trainable = parameter_count(true);
  text += rule + "\n" + fmt::format("{}: {} parameters", describe(), with_separators(all));
  if (trainable != all) text += fmt::format(", {} of them trainable", with_separators(trainable));
  return text + "\n";
}

}  // namespace tapegrad::nn
