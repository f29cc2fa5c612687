#pragma once
// A graph as a file, in the format that its name asks for.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/summary.hpp>
#include <vector>

namespace tapegrad::graph {

enum class Format : std::uint8_t { mermaid, dot, svg, png, pdf, text, json, graphml, model_explorer, html };

/// "mermaid", "dot", "svg", "png", "pdf", "text", "json", "graphml", "model-explorer", "html"; throws ValueError for
/// another name.
Format parse_format(std::string_view name);

/// By suffix: .mmd .mermaid .dot .gv .svg .png .pdf .txt .json .graphml .explorer.json .html .htm; throws
/// ValueError for another one.
Format format_of(const std::filesystem::path& path);

/// The layout program, which makes SVG, PNG and PDF of DOT.
struct LayoutProgram {
  std::string name = "dot";
  std::chrono::milliseconds timeout = std::chrono::minutes(1);
};

struct SaveOptions {
  std::optional<Format> format{};  ///< of a file; if not given, its suffix decides
  DrawOptions draw{};
  SummaryOptions summary{};
  LayoutProgram layout{};
};

/// The content of a file of this format. `folded` as for to_mermaid.
/// Throws ProcessError, for SVG, PNG and PDF, if the layout program is missing, fails or takes too long, or if the
/// picture is larger than a PNG can be.
std::string render(const ComputationGraph& graph, Format format, const SaveOptions& options = {},
                   std::vector<std::string>* folded = nullptr);

/// Writes the graph, whole or not at all. Returns what was folded.
/// Throws IoError if the file cannot be written; otherwise as render and format_of.
std::vector<std::string> save(const ComputationGraph& graph, const std::filesystem::path& path,
                              const SaveOptions& options = {});

}  // namespace tapegrad::graph
