#include <tapegrad/interchange/tensor_file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/interchange/pytorch.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/io/safetensors.hpp>
#include <unordered_map>

namespace tapegrad::io {
namespace {

struct Format {
  std::string_view suffix;
  NamedTensors (*load)(const std::filesystem::path&);
};
NamedTensors from_pytorch(const std::filesystem::path& path) { return named_tensors(load_pytorch(path)); }
constexpr Format kFormats[] = {{".safetensors", [](const std::filesystem::path& p) { return load_safetensors(p); }},
                               {".index.json", load_sharded_safetensors},
                               {".npz", load_npz},
                               {".pt", from_pytorch},
                               {".pth", from_pytorch},
                               {".ckpt", from_pytorch},
                               {".bin", from_pytorch}};

const Format* format_of(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const auto found = std::ranges::find_if(kFormats, [&](const Format& f) { return name.ends_with(f.suffix); });
  return found == std::end(kFormats) ? nullptr : found;
}

std::uint64_t bytes_of(const Tensor& t) { return static_cast<std::uint64_t>(t.numel()) * size_of(t.dtype()); }

/// A part of a name, and what lies below it. Parts keep the order in which they come.
struct Branch {
  std::string name;
  const Tensor* tensor = nullptr;
  std::uint64_t bytes = 0;
  std::vector<Branch> below{};
  std::unordered_map<std::string, std::size_t> places{};

  Branch& at(const std::string& part) {
    const auto [found, is_new] = places.emplace(part, below.size());
    if (is_new) below.push_back({part});
    return below[found->second];
  }
};

struct Line {
  std::string text, size;
};

void list(const Branch& branch, std::size_t depth, std::vector<Line>& lines) {
  std::string text = std::string(2 * depth, ' ') + printable(branch.name, 80);
  if (branch.tensor) text += fmt::format("  {} {}", name_of(branch.tensor->dtype()), to_string(branch.tensor->shape()));
  lines.push_back({std::move(text), fmt::format("{} bytes", branch.bytes)});
  for (const Branch& inner : branch.below) list(inner, depth + 1, lines);
}

}  // namespace

NamedTensors load_tensors(const std::filesystem::path& path) {
  if (const Format* format = format_of(path)) return format->load(path);
  std::vector<std::string_view> suffixes;
  for (const Format& format : kFormats) suffixes.push_back(format.suffix);
  throw ValueError(fmt::format("{}: files of tensors end in {}", path.string(), fmt::join(suffixes, ", ")));
}

bool is_tensor_file(const std::filesystem::path& path) { return format_of(path) != nullptr; }

std::string tensor_tree(const NamedTensors& tensors) {
  // Deep names of a hostile file are a few branches only.
  constexpr int kMostParts = 32;
  Branch root;
  for (const auto& [name, tensor] : tensors) {
    Branch* branch = &root;
    std::string_view rest = name;
    for (int part = 1;; ++part) {
      branch->bytes += bytes_of(tensor);
      const std::size_t dot = part < kMostParts ? rest.find('.') : std::string_view::npos;
      branch = &branch->at(std::string(rest.substr(0, dot)));
      if (dot == std::string_view::npos) break;
      rest.remove_prefix(dot + 1);
    }
    branch->bytes += bytes_of(tensor);
    branch->tensor = &tensor;
  }
  std::vector<Line> lines;
  for (const Branch& branch : root.below) list(branch, 0, lines);
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, line.text.size());
  std::string text = fmt::format("{} tensor{}, {} bytes\n", tensors.size(), tensors.size() == 1 ? "" : "s", root.bytes);
  for (const Line& line : lines) text += fmt::format("{:<{}}  {}\n", line.text, width, line.size);
  return text;
}

}  // namespace tapegrad::io
