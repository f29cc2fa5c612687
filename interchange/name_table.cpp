#include <tapegrad/interchange/name_table.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/ops/view.hpp>
#include <unordered_map>

namespace tapegrad::io {
namespace {

constexpr std::size_t kShown = 80;  // bytes of a name in a message

using Words = std::map<std::string, std::string, std::less<>>;

/// What stands for the words of `pattern` in `name`, if it fits. A word ends where the character behind it is found.
std::optional<Words> match(std::string_view pattern, std::string_view name) {
  Words words;
  while (!pattern.empty()) {
    if (pattern.front() != '{') {
      if (name.empty() || name.front() != pattern.front()) return std::nullopt;
      pattern.remove_prefix(1);
      name.remove_prefix(1);
      continue;
    }
    const std::size_t close = pattern.find('}');
    if (close == std::string_view::npos)
      throw ValueError(fmt::format("fill_state: the rule '{}' has a '{{' without a '}}'", pattern));
    const std::string word(pattern.substr(1, close - 1));
    pattern.remove_prefix(close + 1);
    const std::size_t end = std::min(pattern.empty() ? name.size() : name.find(pattern.front()), name.find('.'));
    const std::string value(name.substr(0, end));
    if (value.empty() || !words.emplace(word, value).second) return std::nullopt;
    name.remove_prefix(value.size());
  }
  return name.empty() ? std::optional(words) : std::nullopt;
}

std::string with_words(std::string_view pattern, const Words& words) {
  std::string name;
  while (!pattern.empty()) {
    const std::size_t open = pattern.find('{');
    name += pattern.substr(0, open);
    if (open == std::string_view::npos) break;
    pattern.remove_prefix(open + 1);
    const std::size_t close = pattern.find('}');
    const auto found = close == std::string_view::npos ? words.end() : words.find(pattern.substr(0, close));
    if (found == words.end())
      throw ValueError(fmt::format("fill_state: a rule's target has '{{{}', which its source has not", pattern));
    name += found->second;
    pattern.remove_prefix(close + 1);
  }
  return name;
}

/// "a.{x,y}.b" to "a.x.b" and "a.y.b"; what has no list of words to itself.
std::vector<std::string> alternatives(const std::string& pattern) {
  const std::size_t comma = pattern.find(','), open = pattern.rfind('{', comma), close = pattern.find('}', comma);
  if (comma == std::string::npos || open == std::string::npos || close == std::string::npos) return {pattern};
  if (pattern.find(',', close) != std::string::npos)
    throw ValueError(fmt::format("fill_state: the rule's target '{}' has two lists; a tensor is cut once", pattern));
  std::vector<std::string> all;
  for (std::size_t begin = open + 1; begin <= close;) {
    const std::size_t end = std::min(pattern.find(',', begin), close);
    all.push_back(pattern.substr(0, open) + pattern.substr(begin, end - begin) + pattern.substr(close + 1));
    begin = end + 1;
  }
  return all;
}

struct Renamed {
  std::vector<std::string> names;  ///< of its parts; none if it is left out
  bool transposed = false;
};
Renamed renamed(const std::string& name, std::span<const NameRule> rules) {
  for (const NameRule& rule : rules) {
    const auto words = match(rule.from, name);
    if (!words) continue;
    if (rule.to.empty()) return {};
    Renamed to{alternatives(rule.to), rule.transposed};
    for (std::string& each : to.names) each = with_words(each, *words);
    return to;
  }
  return {{name}};
}

/// Equal parts along the first axis, one for each name; none if that does not come out even.
std::vector<Tensor> cut(const Tensor& whole, const std::vector<std::string>& names) {
  if (names.size() == 1) return {whole};
  const auto count = std::ssize(names);
  if (whole.rank() == 0 || whole.size(0) % count != 0) return {};
  const std::int64_t extent = whole.size(0) / count;
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < count; ++i) parts.push_back(slice(whole, 0, i * extent, (i + 1) * extent));
  return parts;
}

}  // namespace

std::string to_string(const StateReport& report) {
  std::string text =
      fmt::format("{} tensors matched, {} of them transposed", report.matched.size(), report.transposed.size());
  if (!report.left_out.empty()) text += "; left out: " + abridged(report.left_out);
  if (!report.unused.empty()) text += "; unused: " + abridged(report.unused);
  if (!report.missing.empty()) text += "; missing: " + abridged(report.missing);
  return text;
}

StateReport fill_state(const NamedTensors& target, const NamedTensors& source, std::span<const NameRule> rules) {
  const NoGrad no_grad;
  std::unordered_map<std::string_view, const Tensor*> by_name;
  for (const NamedTensor& t : target) by_name.emplace(t.name, &t.tensor);

  StateReport report;
  std::vector<std::pair<Tensor, Tensor>> copies;
  std::unordered_map<std::string, std::string> taken;  // by the target's name
  std::vector<std::string> wrong;
  for (const NamedTensor& from : source) {
    const Renamed to = renamed(from.name, rules);
    if (to.names.empty()) {
      report.left_out.push_back(printable(from.name, kShown));
      continue;
    }
    if (std::ranges::none_of(to.names, [&](const std::string& name) { return by_name.contains(name); })) {
      report.unused.push_back(printable(from.name, kShown));
      continue;
    }
    const bool turned = to.transposed && from.tensor.rank() == 2;
    const std::vector<Tensor> parts = cut(turned ? transpose(from.tensor.detach()) : from.tensor.detach(), to.names);
    if (parts.empty())
      wrong.push_back(fmt::format("{} {} in {} parts", printable(from.name, kShown), to_string(from.tensor.shape()),
                                  to.names.size()));
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::string& name = to.names[i];
      const auto found = by_name.find(name);
      if (found == by_name.end())
        throw ValueError(fmt::format("fill_state: '{}' is to become '{}' among others, which the target has not",
                                     printable(from.name, kShown), name));
      if (const auto [other, is_new] = taken.emplace(name, from.name); !is_new)
        throw ValueError(fmt::format("fill_state: '{}' and '{}' both become '{}'", printable(other->second, kShown),
                                     printable(from.name, kShown), name));
      if (parts[i].shape() != found->second->shape()) {
        wrong.push_back(fmt::format("{} {} for {} {}", printable(from.name, kShown), to_string(parts[i].shape()), name,
                                    to_string(found->second->shape())));
        continue;
      }
      copies.emplace_back(*found->second, parts[i]);
      report.matched.emplace_back(from.name, name);
    }
    if (turned) report.transposed.push_back(from.name);
  }
  if (!wrong.empty()) throw ValueError("fill_state: shapes differ: " + abridged(wrong));
  for (const NamedTensor& t : target)
    if (!taken.contains(t.name)) report.missing.push_back(t.name);
  for (auto& [to, value] : copies) to.copy_from(value);
  return report;
}

}  // namespace tapegrad::io
