#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/sketch.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <tapegrad/graph/save.hpp>

#include "mermaid_reader.hpp"
#include "random_graphs.hpp"

namespace tapegrad::graph {
namespace {

using samples::random_graph;
using samples::random_options;

std::uint64_t any_seed() { return *rc::gen::arbitrary<std::uint64_t>().as("seed"); }
std::size_t any_size(int most) { return static_cast<std::size_t>(*rc::gen::inRange(1, most + 1).as("vertices")); }

// The id that a node of a picture has in the graph: "n5_2" is a copy of n5.
std::string graph_id(const std::string& id) { return id.substr(0, id.find('_')); }

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

RC_GTEST_PROP(Property, EveryPictureFitsItsBudgetAndIsWellFormed, ()) {
  const std::uint64_t seed = any_seed();
  const ComputationGraph graph = random_graph(seed, any_size(*rc::gen::element(5, 60, 600, 5000)));
  DrawOptions options = random_options(seed, graph);
  options.budget = *rc::gen::element(Budget::github(), Budget::gitlab(), Budget::gitea(), Budget::parse("1500"));
  const std::string text = to_mermaid(graph, options);
  RC_ASSERT(utf16_units(text) <= options.budget->characters);
  const MermaidText read = read_mermaid(text);
  if (!read.errors.empty()) RC_FAIL(joined(read.errors));
  RC_ASSERT(read.edges.size() <= options.budget->edges);
  RC_ASSERT(read.nodes.size() <= options.budget->nodes);
  RC_ASSERT(!read.nodes.empty() || options.pass == Pass::backward);
}

RC_GTEST_PROP(Property, AnUnfoldedPictureHasTheNodesAndEdgesOfTheGraph, ()) {
  const std::uint64_t seed = any_seed();
  const ComputationGraph graph = random_graph(seed, any_size(300));
  DrawOptions options{.pass = *rc::gen::element(Pass::forward, Pass::backward, Pass::joint),
                      .unfold = true,
                      .parameters = Parameters::nodes,
                      .saved = true,
                      .budget = Budget::unlimited()};
  const MermaidText read = read_mermaid(to_mermaid(graph, options));
  if (!read.errors.empty()) RC_FAIL(joined(read.errors));

  std::set<std::string> expected_nodes, nodes;
  for (VertexIndex v = 0; v < graph.size(); ++v) {
    const bool gradient = v >= graph.forward_size();
    if (options.pass == Pass::joint || gradient == (options.pass == Pass::backward)) expected_nodes.insert(graph.id(v));
  }
  for (const auto& [id, node] : read.nodes) nodes.insert(graph_id(id));
  RC_ASSERT(nodes == expected_nodes);

  std::multiset<std::string> expected_edges, edges;
  for (const Edge& e : graph.edges()) {
    const char* arrow = e.kind == EdgeKind::data ? " --> " : e.kind == EdgeKind::gradient ? " -.-> " : " --o ";
    if (!nodes.contains(graph.id(e.from)) || !nodes.contains(graph.id(e.to))) continue;
    expected_edges.insert(graph.id(e.from) + arrow + graph.id(e.to));
  }
  for (const auto& e : read.edges) edges.insert(graph_id(e.from) + " " + e.arrow + " " + graph_id(e.to));
  RC_ASSERT(edges == expected_edges);
}

RC_GTEST_PROP(Property, LabelsSayWhatTheGraphSays, ()) {
  const ComputationGraph graph = random_graph(any_seed(), any_size(100), false);
  const MermaidText read = read_mermaid(to_mermaid(
      graph,
      {.unfold = true, .parameters = Parameters::nodes, .budget = Budget::unlimited(), .shapes = ShapeLabels::none}));
  for (const auto& [id, node] : read.nodes) {
    const Vertex& v = graph[*graph.find(graph_id(id))];
    const std::string title = node.label.substr(0, node.label.find('\n'));
    if (v.kind == VertexKind::op) {
      RC_ASSERT(title == (v.name.empty() ? v.op : v.op + " · " + v.name));
    } else {
      RC_ASSERT(title == (v.name.empty() ? std::string(to_string(v.kind)) : v.name));
    }
  }
}

RC_GTEST_PROP(Property, TheSameGraphGivesTheSameBytes, ()) {
  const std::uint64_t seed = any_seed();
  const std::size_t size = any_size(400);
  const ComputationGraph graph = random_graph(seed, size), again = random_graph(seed, size);
  const DrawOptions options = random_options(seed, graph);
  RC_ASSERT(to_json(graph) == to_json(again));
  RC_ASSERT(to_mermaid(graph, options) == to_mermaid(again, options));
  RC_ASSERT(to_dot(graph, options) == to_dot(again, options));
  RC_ASSERT(to_text(graph) == to_text(again));
}

RC_GTEST_PROP(Property, ASnapshotReadsBack, ()) {
  const ComputationGraph graph = random_graph(any_seed(), any_size(400));
  const std::string text = to_json(graph);
  const ComputationGraph read = from_json(text);
  RC_ASSERT(to_json(read) == text);
  RC_ASSERT(to_mermaid(read) == to_mermaid(graph));
}

void check_sketch(const Sketch& sketch) {
  const ComputationGraph& graph = sketch.graph();
  std::vector<int> seen(graph.forward_size(), 0);
  for (ItemIndex i = 0; i < sketch.items().size(); ++i) {
    const Item& item = sketch.items()[i];
    RC_ASSERT(std::is_sorted(item.members.begin(), item.members.end()));
    RC_ASSERT(std::binary_search(item.members.begin(), item.members.end(), item.shown));
    for (const VertexIndex v : item.members) {
      ++seen[v];
      RC_ASSERT(sketch.item_of(v) == i);
    }
  }
  RC_ASSERT(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
}

RC_GTEST_PROP(Property, FoldingLosesNoVertex, ()) {
  const ComputationGraph graph = random_graph(any_seed(), any_size(1000), *rc::gen::arbitrary<bool>());
  Sketch sketch(graph);
  const std::size_t before = sketch.items().size();
  RC_ASSERT(fold_repeats(sketch) == (sketch.items().size() < before));
  check_sketch(sketch);
  collapse_scopes(sketch, 2);
  check_sketch(sketch);
  fold_repeats(sketch);
  keep_nearest(sketch, sketch.item_of(0), 5);
  check_sketch(sketch);
}

RC_GTEST_PROP(Property, RepeatsAreFoundWhateverIsInThem, ()) {
  const auto size = static_cast<std::size_t>(*rc::gen::inRange(2, 25).as("ops in the block"));
  const auto copies = static_cast<std::size_t>(*rc::gen::inRange(3, 40).as("copies"));
  const ComputationGraph graph = samples::random_repeats(any_seed(), size, copies);
  Sketch sketch(graph);
  fold_repeats(sketch);
  check_sketch(sketch);
  std::size_t ops = 0;
  for (ItemIndex i = 0; i < sketch.items().size(); ++i) ops += !sketch.is_leaf_item(i);
  RC_ASSERT(ops <= size + 1);  // the block and the result
}

}  // namespace
}  // namespace tapegrad::graph
