#pragma once
// A graph as a file: pictures and formats of other programs, and snapshots (docs/graph-snapshot.md), which can be
// drawn, folded and compared without the program that made them.

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/computation_graph.hpp>
#include <tapegrad/graph/draw.hpp>
#include <vector>

namespace tapegrad::graph {

struct GraphDiff;

/// The layout program, which makes SVG, PNG and PDF of DOT.
struct LayoutProgram {
  std::string name = "dot";
  std::chrono::milliseconds timeout = std::chrono::minutes(1);
};

/// Text for a terminal.
struct TextOptions {
  bool edges = false;   ///< the picture, a node a line with the edges beside it, rather than a table of layers
  bool colour = false;  ///< by ANSI's sequences
};

/// Of save() and render().
struct SaveOptions {
  std::string format{};  ///< the name of one of formats(); empty: the suffix of the file decides
  DrawOptions draw{};
  SummaryOptions summary{};
  TextOptions text{};
  LayoutProgram layout{};
  double dpi = 96;  ///< of a PNG: pixels an inch
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

/// GraphML, which Gephi, yEd, Cytoscape, networkx and Boost read: every vertex, gradients too, with its fields as data.
std::string to_graphml(const ComputationGraph& graph);

/// The JSON that Google's Model Explorer opens: scopes as its namespaces, gradients in a namespace of their own.
std::string to_model_explorer(const ComputationGraph& graph);

/// The version that to_json writes, and the last that from_json reads.
inline constexpr int kSnapshotVersion = 1;

/// One line a vertex and one line an edge; the same graph gives the same bytes.
std::string to_json(const ComputationGraph& graph);

/// Reads what to_json wrote, or another program by the same schema: vertices may come in any order and are numbered
/// anew. Throws IoError, which begins with `origin` and names the place, for text that is not such a snapshot, is of a
/// later version, or describes no valid graph.
ComputationGraph from_json(std::string_view text, std::string_view origin = "snapshot");

}  // namespace tapegrad::graph
