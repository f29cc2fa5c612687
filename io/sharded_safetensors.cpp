#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/core/internal/json_text.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/io/safetensors.hpp>

namespace tapegrad::io {
namespace {

constexpr std::uint64_t kLargestIndex = 64 << 20;
constexpr std::size_t kShown = 60;  // bytes of a name in a message

std::string shown(std::string_view name) { return '"' + printable(name, kShown) + '"'; }

/// The names of each part's tensors, by the name of its file.
std::map<std::string, std::vector<std::string>> parts_of(const std::filesystem::path& index) {
  const auto refuse = [&](const std::string& why) {
    throw IoError(fmt::format("{}: not an index of safetensors files: {}", index.string(), why));
  };
  const nlohmann::json json = parse_json(read_file(index, kLargestIndex), index.string());
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object())
    refuse("it has no object \"weight_map\"");
  std::map<std::string, std::vector<std::string>> parts;
  for (const auto& [tensor, file] : json["weight_map"].items()) {
    if (!file.is_string()) refuse("the file of " + shown(tensor) + " is no text");
    const auto& name = file.get_ref<const std::string&>();
    // Beside the index, and nowhere else.
    if (std::filesystem::path(name).filename() != name || name.empty() || name == "." || name == ".." ||
        name.find('\0') != std::string::npos)
      refuse(shown(tensor) + " lies in " + shown(name) + ", which is not the name of a file beside it");
    parts[name].push_back(tensor);
  }
  return parts;
}

NamedTensors load_part(const std::filesystem::path& index, const std::string& file) try {
  return load_safetensors(index.parent_path() / file);
} catch (const IoError& error) {
  throw IoError(fmt::format("{}: {}", index.string(), error.what()));
}

std::string part_name(std::size_t part, std::size_t count) {
  return fmt::format("model-{:05}-of-{:05}.safetensors", part + 1, count);
}

}  // namespace

NamedTensors load_sharded_safetensors(const std::filesystem::path& index) {
  NamedTensors all;
  for (const auto& [file, names] : parts_of(index)) {
    const NamedTensors part = load_part(index, file);
    std::map<std::string_view, const Tensor*> found;
    for (const NamedTensor& t : part) found.emplace(t.name, &t.tensor);
    std::vector<std::string> missing;
    for (const std::string& name : names)
      if (found.erase(name) == 0) missing.push_back(printable(name, kShown));
    std::vector<std::string> unlisted;
    for (const auto& [name, tensor] : found) unlisted.push_back(printable(name, kShown));
    if (!missing.empty() || !unlisted.empty())
      throw IoError(fmt::format("{}: {} does not hold what the index says:{}{} get all files of one version",
                                index.string(), shown(file),
                                missing.empty() ? "" : " it lacks " + abridged(missing) + ";",
                                unlisted.empty() ? "" : " it also has " + abridged(unlisted) + ";"));
    std::ranges::move(part, std::back_inserter(all));
  }
  return all;
}

void save_sharded_safetensors(const std::filesystem::path& index, const NamedTensors& tensors,
                              std::uint64_t part_bytes) {
  if (part_bytes == 0) throw ValueError("save_sharded_safetensors: a part has room for at least 1 byte");
  std::vector<NamedTensors> parts(1);
  std::uint64_t total = 0, filled = 0;
  for (const NamedTensor& t : tensors) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(t.tensor.numel()) * size_of(t.tensor.dtype());
    if (filled + bytes > part_bytes && !parts.back().empty()) {
      parts.emplace_back();
      filled = 0;
    }
    parts.back().push_back(t);
    filled += bytes;
    total += bytes;
  }
  nlohmann::json weight_map = nlohmann::json::object();
  for (std::size_t i = 0; i < parts.size(); ++i)
    for (const NamedTensor& t : parts[i])
      if (!weight_map.emplace(t.name, part_name(i, parts.size())).second)
        throw ValueError("save_sharded_safetensors: two tensors have the name '" + t.name + "'");
  std::string text;
  try {
    text = nlohmann::json{{"metadata", {{"total_size", total}}}, {"weight_map", weight_map}}.dump(2) + "\n";
  } catch (const nlohmann::json::exception& error) {
    throw ValueError(fmt::format("save_sharded_safetensors: a name is not UTF-8: {}", error.what()));
  }
  for (std::size_t i = 0; i < parts.size(); ++i)
    save_safetensors(index.parent_path() / part_name(i, parts.size()), parts[i], {{"format", "pt"}});
  write_file(index, text);
}

}  // namespace tapegrad::io
