#include "class_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tapegrad/core/internal/printable.hpp>

namespace tapegrad::tools {

ClassReport class_report(std::span<const std::int64_t> predicted, std::span<const std::int32_t> labels,
                         const std::vector<std::string>& class_names) {
  ClassReport report;
  report.confusion = train::ConfusionMatrix(std::ssize(class_names));
  for (std::size_t i = 0; i < labels.size(); ++i) report.confusion.add(labels[i], predicted[i]);
  report.rows = std::ssize(labels);
  report.accuracy = report.confusion.accuracy();
  for (std::int64_t c = 0; c < report.confusion.classes(); ++c)
    report.classes.push_back({class_names[static_cast<std::size_t>(c)], report.confusion.of_class(c),
                              report.confusion.precision(c), report.confusion.recall(c), report.confusion.f1(c)});
  return report;
}

std::string to_text(const ClassReport& report) {
  std::size_t width = 5;
  for (const ClassScore& score : report.classes) width = std::max(width, printable(score.name).size());
  std::string text =
      fmt::format("{:<{}}  {:>7}  {:>9}  {:>6}  {:>6}\n", "class", width, "samples", "precision", "recall", "F1");
  for (const ClassScore& s : report.classes)
    fmt::format_to(std::back_inserter(text), "{:<{}}  {:>7}  {:>9.4f}  {:>6.4f}  {:>6.4f}\n", printable(s.name), width,
                   s.rows, s.precision, s.recall, s.f1);
  return text;
}

}  // namespace tapegrad::tools
