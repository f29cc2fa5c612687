#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tapegrad/testing/gradient_check.hpp>

namespace tapegrad::testing {
namespace {

constexpr std::size_t kColumns = 8;
constexpr std::size_t kRowsShown = 12;
using Row = std::array<std::string, kColumns>;

/// Text columns to the left, numbers to the right; columns that no row fills are left out.
std::string table(const std::vector<Row>& rows, std::size_t text_columns) {
  std::array<std::size_t, kColumns> width{};
  for (const Row& row : rows)
    for (std::size_t c = 0; c < kColumns; ++c) width[c] = std::max(width[c], row[c].size());
  std::string text;
  for (const Row& row : rows) {
    std::string line = " ";
    for (std::size_t c = 0; c < kColumns; ++c) {
      if (width[c] == 0) continue;
      line += c < text_columns ? fmt::format(" {:<{}} ", row[c], width[c]) : fmt::format(" {:>{}} ", row[c], width[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string number(double v) { return fmt::format("{:.10g}", v); }
std::string brief(double v) { return fmt::format("{:.2e}", v); }

template <class Items, class RowOf>
std::string listing(const Items& items, const Row& head, std::size_t text_columns, const RowOf& row_of) {
  std::vector<Row> rows{head};
  for (std::size_t i = 0; i < std::min(items.size(), kRowsShown); ++i) rows.push_back(row_of(items[i]));
  std::string text = table(rows, text_columns);
  if (items.size() > kRowsShown) text += fmt::format("  … and {} more\n", items.size() - kRowsShown);
  return text;
}

}  // namespace

double GradientComparison::absolute() const { return std::abs(analytic - numeric); }
double GradientComparison::relative() const {
  const double size = std::max(std::abs(analytic), std::abs(numeric));
  return size > 0 ? absolute() / size : 0;
}

std::string to_string(const GradientReport& report) {
  std::string text =
      fmt::format("gradients of {}: {} (order {}, {}, tolerance {:g} + {:g} relative; {} compared)\n", report.name,
                  report.ok() ? "correct" : "WRONG", report.order, std::string(name_of(report.dtype)),
                  report.absolute_tolerance, report.relative_tolerance, report.compared);
  for (const std::string& problem : report.problems) text += "problem: " + problem + "\n";
  for (const std::string& diagnosis : report.diagnoses) text += "diagnosis: " + diagnosis + "\n";
  if (!report.mismatches.empty()) {
    text += fmt::format("{} {} wrong, the worst first:\n", report.mismatches.size(),
                        report.mismatches.size() == 1 ? "derivative is" : "derivatives are");
    text += listing(report.mismatches,
                    {"order", "input", "element", "output", "analytic", "numeric", "absolute", "relative"}, 4,
                    [](const GradientComparison& m) {
                      return Row{std::to_string(m.order), m.input,           m.element,           m.output,
                                 number(m.analytic),      number(m.numeric), brief(m.absolute()), brief(m.relative())};
                    });
  } else if (report.compared > 0) {
    text += fmt::format("largest error: {:.2e}, order {}, input {}, element {}, output {}\n", report.worst.absolute(),
                        report.worst.order, report.worst.input, report.worst.element, report.worst.output);
  }
  if (!report.kinks.empty()) {
    text += fmt::format("{} {}, {}:\n", report.kinks.size(), report.kinks.size() == 1 ? "kink" : "kinks",
                        report.kinks_fail ? "counted as failures" : "not compared");
    text += listing(report.kinks, {"order", "input", "element", "output", "analytic", "left", "right", ""}, 4,
                    [](const GradientKink& k) {
                      return Row{std::to_string(k.order), k.input,        k.element,       k.output,
                                 number(k.analytic),      number(k.left), number(k.right), ""};
                    });
  }
  for (const std::string& warning : report.warnings) text += "warning: " + warning + "\n";
  return text;
}

}  // namespace tapegrad::testing
