#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/labelled_sources.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/internal/unicode.hpp>
#include <utility>

namespace tapegrad::data {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

void LabelledTextsBuilder::begin_source(std::string name) { gathered_.sources.push_back(std::move(name)); }

void LabelledTextsBuilder::check(std::string_view label, std::int64_t line) const {
  label = trimmed(label);
  const auto refuse = [&](const std::string& why) {
    const std::string& source = gathered_.sources.back();
    throw IoError(line == 0 ? fmt::format("{}: {}", source, why) : fmt::format("{}:{}: {}", source, line, why));
  };
  if (label.empty()) refuse("the label is empty");
  // The name of a folder can be anything.
  if (find_invalid_utf8(label)) refuse(fmt::format("the label {} is not UTF-8", in_quotes(label)));
  if (has_control_characters(label)) refuse(fmt::format("the label {} has control characters", in_quotes(label)));
}

void LabelledTextsBuilder::add(std::string_view label, std::string text, std::int64_t line) {
  check(label, line);
  gathered_.origins.push_back({static_cast<std::int32_t>(gathered_.sources.size() - 1), line});
  gathered_.texts.push_back(std::move(text));
  gathered_.labels.push_back(classes_.intern(trimmed(label)));
}

LabelledTexts LabelledTextsBuilder::finish() && {
  std::vector<std::int32_t> sorted(static_cast<std::size_t>(classes_.size()));
  std::iota(sorted.begin(), sorted.end(), 0);
  std::ranges::sort(sorted, {}, [this](std::int32_t i) { return classes_[i]; });
  std::vector<std::int32_t> rank(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    rank[static_cast<std::size_t>(sorted[i])] = static_cast<std::int32_t>(i);
    gathered_.class_names.emplace_back(classes_[sorted[i]]);
  }
  for (std::int32_t& label : gathered_.labels) label = rank[static_cast<std::size_t>(label)];
  return std::move(gathered_);
}

}  // namespace tapegrad::data
