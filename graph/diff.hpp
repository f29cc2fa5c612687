#pragma once
// What has changed from one graph to another: between two versions of a model, two runs, two steps of one.

#include <string>
#include <tapegrad/graph/computation_graph.hpp>
#include <tapegrad/graph/draw.hpp>
#include <utility>
#include <vector>

namespace tapegrad::graph {

/// A field whose content differs.
struct FieldChange {
  std::string field, before, after;
  bool operator==(const FieldChange&) const = default;
};

/// A vertex that is in both graphs, and how it differs.
struct VertexChange {
  VertexIndex before = 0, after = 0;
  std::vector<FieldChange> fields;
};

/// Forward vertices only; a gradient belongs to its value ("gradient norm").
struct GraphDiff {
  std::vector<VertexIndex> added;    ///< of the graph after
  std::vector<VertexIndex> removed;  ///< of the graph before
  std::vector<VertexChange> changed;
  std::size_t unchanged = 0;
  std::vector<std::pair<VertexIndex, VertexIndex>> matched;  ///< what belongs together, before and after

  bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
};

/// What counts as a difference.
struct DiffOptions {
  double tolerance = 0.05;  ///< how much, relatively, statistics (and times) may differ
  bool statistics = true;
  bool seconds = false;  ///< times differ from run to run
};

/// Vertices belong together if they have the same name (leaves and outputs), or the same op at the same place in the
/// same scope; failing that, if they compute the same of the same.
GraphDiff diff(const ComputationGraph& before, const ComputationGraph& after, const DiffOptions& options = {});

/// One line a difference, and a last line that counts them.
std::string to_text(const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after);

/// What has changed and its neighbourhood (options.radius edges round it), as a flowchart.
std::string to_mermaid(const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after,
                       const DrawOptions& options = {.radius = 2});

/// The graph after, with what was removed put back and what has changed marked, as a page: see
/// <tapegrad/graph/page.hpp>.
std::string to_html(const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after,
                    const DrawOptions& options = {});

}  // namespace tapegrad::graph
