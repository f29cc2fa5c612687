// Markdown that GitHub draws: for a README, or for what a change does to a model.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/graph/internal/formats.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

// Longer lists are for `graph diff` itself.
constexpr std::size_t kMostLines = 20;

std::string fenced(std::string_view language, const std::string& text) {
  return fmt::format("```{}\n{}{}```\n", language, text, text.ends_with('\n') ? "" : "\n");
}

std::string folded_away(std::string_view summary, const std::string& text) {
  return fmt::format("<details><summary>{}</summary>\n\n{}\n</details>\n", summary, text);
}

std::string change_text(double before, double after) {
  if (before == after) return "0";
  const char* sign = after > before ? "+" : "−";
  const std::string percent =
      before > 0 ? fmt::format(" ({}{:.3g} %)", sign, 100 * std::abs(after - before) / before) : "";
  return sign + metric(std::abs(after - before)) + percent;
}

std::string row(std::string_view what, double before, double after, std::string (*words)(double)) {
  return fmt::format("| {} | {} | {} | {} |\n", what, words(before), words(after), change_text(before, after));
}

std::string totals(const ComputationGraph& before, const ComputationGraph& after) {
  const ScopeTotals old_totals = scope_totals(before).front(), new_totals = scope_totals(after).front();
  std::string text = "| | before | after | change |\n|---|---|---|---|\n";
  text += row("operations", static_cast<double>(old_totals.ops), static_cast<double>(new_totals.ops), grouped);
  text += row("parameters", old_totals.parameters, new_totals.parameters, grouped);
  text += row("FLOP, forward", old_totals.flops, new_totals.flops, metric);
  text += row("bytes saved for backward", old_totals.saved_bytes, new_totals.saved_bytes, bytes_text);
  return text + row("peak memory, estimated", estimate_memory(before).peak, estimate_memory(after).peak, bytes_text);
}

// The first lines, and how many more there are.
std::string beginning(const std::string& text) {
  std::size_t end = 0, lines = 0;
  while (end < text.size() && lines < kMostLines) {
    end = std::min(text.find('\n', end), text.size() - 1) + 1;
    ++lines;
  }
  const auto left = std::count(text.begin() + static_cast<std::ptrdiff_t>(end), text.end(), '\n');
  return text.substr(0, end) + (left > 0 ? fmt::format("… and {} lines more\n", left) : "");
}

}  // namespace

std::string to_markdown(const ComputationGraph& graph, const SaveOptions& options, Notes* folded) {
  return fenced("mermaid", to_mermaid(graph, options.draw, folded)) + '\n' +
         folded_away("Layers", fenced("text", to_text(graph, options.summary)));
}

std::string to_markdown(const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after) {
  if (diff.empty()) return "The graph of the model does not change.\n";
  return totals(before, after) + '\n' + fenced("text", beginning(to_text(diff, before, after))) + '\n' +
         folded_away("What changes", fenced("mermaid", to_mermaid(diff, before, after))) +
         folded_away("Before", fenced("mermaid", to_mermaid(before))) +
         folded_away("After", fenced("mermaid", to_mermaid(after)));
}

}  // namespace tapegrad::graph
