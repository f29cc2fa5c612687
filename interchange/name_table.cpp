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

struct Renamed {
  std::string name;
  bool transposed = false;
};
Renamed renamed(const std::string& name, std::span<const NameRule> rules) {
  for (const NameRule& rule : rules)
    if (const auto words = match(rule.from, name)) return {with_words(rule.to, *words), rule.transposed};
  return {name};
}

}  // namespace

std::string to_string(const StateReport& report) {
  std::string text =
      fmt::format("{} tensors matched, {} of them transposed", report.matched.size(), report.transposed.size());
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
    const auto found = by_name.find(to.name);
    if (found == by_name.end()) {
      report.unused.push_back(printable(from.name, kShown));
      continue;
    }
    if (const auto [other, is_new] = taken.emplace(to.name, from.name); !is_new)
      throw ValueError(fmt::format("fill_state: '{}' and '{}' both become '{}'", printable(other->second, kShown),
                                   printable(from.name, kShown), to.name));
    const bool turned = to.transposed && from.tensor.rank() == 2;
    const Tensor value = turned ? transpose(from.tensor.detach()) : from.tensor.detach();
    if (value.shape() != found->second->shape()) {
      wrong.push_back(fmt::format("{} {} for {} {}", printable(from.name, kShown), to_string(value.shape()), to.name,
                                  to_string(found->second->shape())));
      continue;
    }
    copies.emplace_back(*found->second, value);
    report.matched.emplace_back(from.name, to.name);
    if (turned) report.transposed.push_back(from.name);
  }
  if (!wrong.empty()) throw ValueError("fill_state: shapes differ: " + abridged(wrong));
  for (const NamedTensor& t : target)
    if (!taken.contains(t.name)) report.missing.push_back(t.name);
  for (auto& [to, value] : copies) to.copy_from(value);
  return report;
}

}  // namespace tapegrad::io
