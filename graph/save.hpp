#pragma once
// A graph as a file, in the format that its name asks for.

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/summary.hpp>
#include <vector>

namespace tapegrad::graph {

struct GraphDiff;

/// The layout program, which makes SVG, PNG and PDF of DOT.
struct LayoutProgram {
  std::string name = "dot";
  std::chrono::milliseconds timeout = std::chrono::minutes(1);
};

struct SaveOptions {
  std::string format{};  ///< the name of one of formats(); empty: the suffix of the file decides
  DrawOptions draw{};
  SummaryOptions summary{};
  LayoutProgram layout{};
};

/// A format that graphs are written in.
struct Format {
  std::string_view name;      ///< "mermaid"
  std::string_view suffixes;  ///< ".mmd .mermaid", the usual one first
  std::string_view doc;       ///< what it is good for
  std::string (*write)(const ComputationGraph& graph, const SaveOptions& options, std::vector<std::string>* folded);
  /// Null where a difference of two graphs cannot be written so.
  std::string (*write_diff)(const GraphDiff& diff, const ComputationGraph& before,
                            const ComputationGraph& after) = nullptr;
};

/// All of them.
std::span<const Format> formats();

/// By name, or by the suffix of a file; throws ValueError, which lists what there is, for another one.
const Format& format_named(std::string_view name);
const Format& format_of(const std::filesystem::path& path);

/// The content of a file of this format. `folded` as for to_mermaid.
/// Throws ValueError for a name that is not in formats(); ProcessError, for SVG, PNG and PDF, if the layout program is
/// missing, fails or takes too long, or if the picture is larger than a PNG can be.
std::string render(const ComputationGraph& graph, std::string_view format, const SaveOptions& options = {},
                   std::vector<std::string>* folded = nullptr);

/// Writes the graph, whole or not at all. Returns what was folded.
/// Throws IoError if the file cannot be written; otherwise as render and format_of.
std::vector<std::string> save(const ComputationGraph& graph, const std::filesystem::path& path,
                              const SaveOptions& options = {});

}  // namespace tapegrad::graph
