#include "class_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace tapegrad::tools {

ClassReport class_report(std::span<const std::int64_t> predicted, std::span<const std::int32_t> labels,
                         const std::vector<std::string>& class_names) {
  const std::size_t count = class_names.size();
  std::vector<std::int64_t> right(count), guessed(count), actual(count);
  ClassReport report;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]), guess = static_cast<std::size_t>(predicted[i]);
    ++actual[label];
    ++guessed[guess];
    right[label] += label == guess;
    report.accuracy += label == guess;
  }
  report.rows = std::ssize(labels);
  if (report.rows) report.accuracy /= static_cast<double>(report.rows);
  for (std::size_t c = 0; c < count; ++c) {
    ClassScore score{.name = class_names[c], .rows = actual[c]};
    const auto hits = static_cast<double>(right[c]);
    if (guessed[c]) score.precision = hits / static_cast<double>(guessed[c]);
    if (actual[c]) score.recall = hits / static_cast<double>(actual[c]);
    if (right[c]) score.f1 = 2 * score.precision * score.recall / (score.precision + score.recall);
    report.classes.push_back(std::move(score));
  }
  return report;
}

std::string to_text(const ClassReport& report) {
  std::size_t width = 5;
  for (const ClassScore& score : report.classes) width = std::max(width, score.name.size());
  std::string text =
      fmt::format("{:<{}}  {:>7}  {:>9}  {:>6}  {:>6}\n", "class", width, "texts", "precision", "recall", "F1");
  for (const ClassScore& s : report.classes)
    fmt::format_to(std::back_inserter(text), "{:<{}}  {:>7}  {:>9.4f}  {:>6.4f}  {:>6.4f}\n", s.name, width, s.rows,
                   s.precision, s.recall, s.f1);
  return text;
}

}  // namespace tapegrad::tools
