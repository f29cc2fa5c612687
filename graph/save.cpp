#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/graph/internal/formats.hpp>

namespace tapegrad::graph {
namespace {

// Calls visit for each word of "a b".
template <class Visit>
void for_each_word(std::string_view words, const Visit& visit) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    visit(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
}

[[noreturn]] void refuse(const std::string& what, std::string_view Format::*known) {
  std::string all;
  for (const Format& f : kFormats)
    for_each_word(f.*known, [&](std::string_view word) { all += fmt::format("{}{}", all.empty() ? "" : ", ", word); });
  throw ValueError(fmt::format("{}; a graph can be written as {}", what, all));
}

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format& format_named(std::string_view name) {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& f) { return f.name == name; });
  if (found == kFormats.end()) refuse(fmt::format("unknown format '{}'", name), &Format::name);
  return *found;
}

const Format& format_of(const std::filesystem::path& path) {
  std::string file = path.filename().string();
  std::transform(file.begin(), file.end(), file.begin(), [](unsigned char c) { return std::tolower(c); });
  const Format* found = nullptr;
  std::size_t length = 0;  // of the suffix: .explorer.json says more than .json
  for (const Format& f : kFormats) {
    for_each_word(f.suffixes, [&](std::string_view suffix) {
      if (suffix.size() <= length || suffix.size() >= file.size() || !file.ends_with(suffix)) return;
      found = &f;
      length = suffix.size();
    });
  }
  if (!found) refuse(fmt::format("'{}' has no suffix that names a format", path.string()), &Format::suffixes);
  return *found;
}

std::string render(const ComputationGraph& graph, std::string_view format, const SaveOptions& options,
                   std::vector<std::string>* folded) {
  return format_named(format).write(graph, options, folded);
}

std::vector<std::string> save(const ComputationGraph& graph, const std::filesystem::path& path,
                              const SaveOptions& options) {
  const Format& format = options.format.empty() ? format_of(path) : format_named(options.format);
  std::vector<std::string> folded;
  write_file(path, format.write(graph, options, &folded));
  return folded;
}

}  // namespace tapegrad::graph
