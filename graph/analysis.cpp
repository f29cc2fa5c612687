#include <fmt/format.h>

#include <algorithm>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/reverse_graph.hpp>
#include <boost/pending/queue.hpp>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/boost_graph.hpp>
#include <tapegrad/graph/internal/sketch.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

bool is_bad(const Vertex& v) { return v.statistics && v.statistics->nan + v.statistics->inf > 0; }

// The declared outputs, or else what nothing takes as an input.
std::vector<VertexIndex> results(const ComputationGraph& graph) {
  std::vector<VertexIndex> outputs, ends;
  for (VertexIndex v = 0; v < graph.forward_size(); ++v) {
    if (graph[v].kind == VertexKind::output) outputs.push_back(v);
    const auto uses = graph.out_edges(v);
    const bool taken = std::any_of(uses.begin(), uses.end(), [](const Edge& e) { return e.kind == EdgeKind::data; });
    if (!taken && !is_leaf(graph[v])) ends.push_back(v);
  }
  return outputs.empty() ? ends : outputs;
}

double cost_of(const Vertex& v, Cost cost) {
  switch (cost) {
    case Cost::flops:
      return v.flops;
    case Cost::bytes:
      return v.bytes;
    case Cost::seconds:
      return v.seconds.value_or(0);
  }
  return 0;
}

// A tree grown from its root, with ancestors found by doubling steps: Boost's dominator tree recurses once a vertex,
// which a deep graph does not survive.
class DominatorTree {
 public:
  explicit DominatorTree(std::size_t size) : depth_(size, 0) {
    for (std::size_t reach = 1; reach < size; reach *= 2) ancestors_.emplace_back(size, 0);
    if (ancestors_.empty()) ancestors_.emplace_back(size, 0);
  }

  void add(std::uint32_t node, std::uint32_t parent) {
    depth_[node] = depth_[parent] + 1;
    ancestors_[0][node] = parent;
    for (std::size_t k = 1; k < ancestors_.size(); ++k)
      ancestors_[k][node] = ancestors_[k - 1][ancestors_[k - 1][node]];
  }

  std::uint32_t common_ancestor(std::uint32_t a, std::uint32_t b) const {
    if (depth_[a] < depth_[b]) std::swap(a, b);
    for (std::size_t k = ancestors_.size(); k-- > 0;) {
      if (depth_[a] - depth_[b] >= (std::size_t{1} << k)) a = ancestors_[k][a];
    }
    if (a == b) return a;
    for (std::size_t k = ancestors_.size(); k-- > 0;) {
      if (ancestors_[k][a] != ancestors_[k][b]) {
        a = ancestors_[k][a];
        b = ancestors_[k][b];
      }
    }
    return ancestors_[0][a];
  }

 private:
  std::vector<std::size_t> depth_;
  std::vector<std::vector<std::uint32_t>> ancestors_;  // [k]: 2^k steps up
};

}  // namespace

std::string describe(const ComputationGraph& graph, VertexIndex index) {
  const Vertex& v = graph[index];
  const auto shown = [](const std::string& text) {
    std::string line = drawable(text);
    std::replace(line.begin(), line.end(), '\n', ' ');
    return shorten(line, 80);
  };
  std::string text = graph.id(index);
  if (v.kind == VertexKind::gradient) text += " gradient of";
  text += " " + (v.op.empty() ? std::string(to_string(v.kind)) : shown(v.op));
  if (!v.name.empty()) text += fmt::format(" '{}'", shown(v.name));
  if (!v.scope.empty()) text += " in " + shown(v.scope);
  if (!v.source.empty()) text += ", recorded at " + shown(v.source);
  return text;
}

std::optional<VertexIndex> first_bad_vertex(const ComputationGraph& graph) {
  for (VertexIndex v = 0; v < graph.size(); ++v) {
    if (!is_bad(graph[v])) continue;
    const auto inputs = graph.in_edges(v);
    if (std::none_of(inputs.begin(), inputs.end(), [&](const Edge& e) { return is_bad(graph[e.from]); })) return v;
  }
  return std::nullopt;
}

std::vector<VertexIndex> unused_vertices(const ComputationGraph& graph) {
  const std::vector<VertexIndex> starts = results(graph);
  const auto reversed = boost::make_reverse_graph(graph);
  std::vector<boost::default_color_type> colours(graph.size(), boost::white_color);
  boost::queue<VertexIndex> queue;
  boost::breadth_first_visit(
      reversed, starts.begin(), starts.end(), queue, boost::bfs_visitor<>(),
      boost::make_iterator_property_map(colours.begin(), boost::typed_identity_property_map<VertexIndex>()));
  std::vector<VertexIndex> unused;
  for (VertexIndex v = 0; v < graph.forward_size(); ++v) {
    if (colours[v] == boost::white_color) unused.push_back(v);
  }
  return unused;
}

// Boost's shortest paths of acyclic graphs have one source each; here every vertex is one.
CriticalPath critical_path(const ComputationGraph& graph, Cost cost) {
  std::vector<double> total(graph.size(), 0);
  std::vector<VertexIndex> before(graph.size());
  VertexIndex last = 0;
  for (VertexIndex v = 0; v < graph.size(); ++v) {
    before[v] = v;
    for (const Edge& e : graph.in_edges(v)) {
      if (before[v] == v || total[e.from] > total[before[v]]) before[v] = e.from;
    }
    total[v] = cost_of(graph[v], cost) + (before[v] == v ? 0 : total[before[v]]);
    if (total[v] > total[last]) last = v;
  }
  CriticalPath path;
  if (graph.size() == 0) return path;
  path.cost = total[last];
  for (path.vertices = {last}; before[last] != last; path.vertices.push_back(last)) last = before[last];
  std::reverse(path.vertices.begin(), path.vertices.end());
  return path;
}

std::vector<std::optional<VertexIndex>> immediate_dominators(const ComputationGraph& graph) {
  const auto size = static_cast<VertexIndex>(graph.forward_size());
  const VertexIndex root = size;  // before all inputs
  bool has_inputs = false;
  for (VertexIndex v = 0; v < size; ++v) has_inputs = has_inputs || graph[v].kind == VertexKind::input;

  DominatorTree tree(size + std::size_t{1});
  std::vector<bool> reached(size, false);
  std::vector<std::optional<VertexIndex>> dominators(size);
  for (VertexIndex v = 0; v < size; ++v) {
    std::optional<VertexIndex> dominator;
    if (has_inputs ? graph[v].kind == VertexKind::input : is_leaf(graph[v])) dominator = root;
    for (const Edge& e : graph.in_edges(v)) {
      if (reached[e.from]) dominator = dominator ? tree.common_ancestor(*dominator, e.from) : e.from;
    }
    if (!dominator) continue;
    reached[v] = true;
    tree.add(v, *dominator);
    if (*dominator != root) dominators[v] = dominator;
  }
  return dominators;
}

std::vector<VertexIndex> bottlenecks(const ComputationGraph& graph, std::optional<VertexIndex> of) {
  if (!of) {
    const std::vector<VertexIndex> ends = results(graph);
    if (ends.empty()) return {};
    of = ends.back();
  }
  const auto dominators = immediate_dominators(graph);
  std::vector<VertexIndex> chain;
  for (std::optional<VertexIndex> v = of; v; v = dominators[*v]) chain.push_back(*v);
  chain.erase(chain.begin());  // the vertex itself
  std::reverse(chain.begin(), chain.end());
  return chain;
}

std::vector<VertexIndex> kept_alive_by(const ComputationGraph& graph, VertexIndex value) {
  const auto first_input = [&](VertexIndex v) -> std::optional<VertexIndex> {
    const auto inputs = graph.in_edges(v);
    return graph[v].is_view && !inputs.empty() ? std::optional(inputs.front().from) : std::nullopt;
  };
  while (const auto base = first_input(value)) value = *base;
  std::vector<VertexIndex> gradients, same_buffer{value};
  for (std::size_t next = 0; next < same_buffer.size(); ++next) {
    for (const Edge& e : graph.out_edges(same_buffer[next])) {
      if (e.kind == EdgeKind::saved) gradients.push_back(e.to);
      if (e.kind == EdgeKind::data && first_input(e.to) == same_buffer[next]) same_buffer.push_back(e.to);
    }
  }
  std::sort(gradients.begin(), gradients.end());
  gradients.erase(std::unique(gradients.begin(), gradients.end()), gradients.end());
  return gradients;
}

std::vector<ScopeTotals> scope_totals(const ComputationGraph& graph) {
  const Sketch sketch(graph);
  std::vector<ScopeTotals> totals(sketch.frames().size());
  for (FrameIndex f = 0; f < totals.size(); ++f) totals[f].scope = sketch.path(f);
  for (const Item& item : sketch.items()) {
    const Vertex& v = graph[item.shown];
    for (FrameIndex f = item.frame;; f = sketch.frames()[f].parent) {
      ScopeTotals& t = totals[f];
      t.ops += v.kind == VertexKind::op;
      t.flops += v.flops;
      t.saved_bytes += v.saved_bytes;
      t.seconds += v.seconds.value_or(0);
      if (v.kind == VertexKind::parameter) {
        t.parameters += element_count(v);
        t.trainable += v.requires_grad ? element_count(v) : 0;
        t.parameter_bytes += value_bytes(v);
      }
      if (f == 0) break;
    }
  }
  return totals;
}

}  // namespace tapegrad::graph
