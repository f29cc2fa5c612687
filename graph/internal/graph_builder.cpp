#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/internal/field_text.hpp>
#include <tapegrad/graph/internal/graph_builder.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <tuple>
#include <utility>

namespace tapegrad::graph {
namespace {

// Text of a field is UTF-8, and a cost is a number that can be added up.
void make_valid(std::string& text) { text = valid_utf8(text); }
void make_valid(std::vector<Attribute>& attributes) {
  for (Attribute& a : attributes) a = {valid_utf8(a.key), valid_utf8(a.value)};
}
template <class T>
void make_valid(const T&) {}

void make_strings_valid(Vertex& v) {
  for_each_field<Vertex>([&](const auto& field) { make_valid(v.*field.member); });
}

void check_numbers(const Vertex& v) {
  const auto fail = [&](const std::string& what) {
    throw ValueError(fmt::format("GraphBuilder: {} '{}' has {}", to_string(v.kind),
                                 shorten(v.name.empty() ? v.op : v.name, 60), what));
  };
  if (std::any_of(v.shape.begin(), v.shape.end(), [](std::int64_t extent) { return extent < 0; })) {
    fail(fmt::format("the shape {}; sizes cannot be negative", shape_text(v.shape)));
  }
  for_each_cost(std::span(&v, 1), [&](const FieldInfo&, double cost) {
    if (!(cost >= 0) || !std::isfinite(cost)) fail(fmt::format("a cost of {}; costs are finite, and 0 or more", cost));
  });
}

// Where the edges of each vertex begin in a list sorted by that vertex.
template <class Key>
std::vector<std::size_t> first_positions(const std::vector<Edge>& sorted, std::size_t vertices, Key key) {
  std::vector<std::size_t> first(vertices + 1, 0);
  for (const Edge& e : sorted) ++first[key(e) + 1];
  for (std::size_t v = 0; v < vertices; ++v) first[v + 1] += first[v];
  return first;
}

}  // namespace

GraphBuilder::GraphBuilder(std::string_view title) : title_(valid_utf8(title)) {}

GraphBuilder::Handle GraphBuilder::add(Vertex vertex) {
  if (vertex.kind == VertexKind::gradient) throw ValueError("GraphBuilder: gradients are added by add_gradient");
  make_strings_valid(vertex);
  check_numbers(vertex);
  vertices_.push_back(std::move(vertex));
  twins_.push_back(kNone);
  return static_cast<Handle>(vertices_.size() - 1);
}

GraphBuilder::Handle GraphBuilder::add_gradient(Handle of, const Vertex& measured) {
  check_handle(of);
  if (twins_[of] != kNone) throw GraphError(fmt::format("GraphBuilder: {} has a twin already", describe(of)));
  Vertex gradient = measured;
  make_strings_valid(gradient);
  const Vertex& forward = vertices_[of];
  for_each_field<Vertex>([&](const auto& field) {
    if (field.info.follows_value) gradient.*field.member = forward.*field.member;
  });
  gradient.kind = VertexKind::gradient;
  check_numbers(gradient);
  const auto handle = static_cast<Handle>(vertices_.size());
  vertices_.push_back(std::move(gradient));
  twins_.push_back(of);
  twins_[of] = handle;
  return handle;
}

void GraphBuilder::connect(Handle from, Handle to, std::uint32_t slot, EdgeKind kind, std::optional<double> partial) {
  check_handle(from);
  check_handle(to);
  const bool from_gradient = vertices_[from].kind == VertexKind::gradient;
  const bool to_gradient = vertices_[to].kind == VertexKind::gradient;
  if (from_gradient != (kind == EdgeKind::gradient) || to_gradient != (kind != EdgeKind::data)) {
    throw GraphError(fmt::format("GraphBuilder: a {} edge cannot lead from {} to {}", to_string(kind), describe(from),
                                 describe(to)));
  }
  if (kind == EdgeKind::data && is_leaf(vertices_[to])) {
    throw GraphError(fmt::format("GraphBuilder: {} is a leaf and takes no input", describe(to)));
  }
  edges_.push_back({from, to, slot, kind, partial});
}

void GraphBuilder::mirror_gradients() {
  const auto forward_count = static_cast<Handle>(vertices_.size());
  for (Handle h = 0; h < forward_count; ++h) {
    const Vertex& v = vertices_[h];
    if (v.kind != VertexKind::gradient && v.requires_grad && twins_[h] == kNone) add_gradient(h);
  }
  const std::size_t edge_count = edges_.size();
  for (std::size_t i = 0; i < edge_count; ++i) {
    const Edge e = edges_[i];
    if (e.kind != EdgeKind::data || twins_[e.from] == kNone || twins_[e.to] == kNone) continue;
    edges_.push_back({twins_[e.to], twins_[e.from], e.slot, EdgeKind::gradient, e.partial});
  }
}

std::optional<GraphBuilder::Handle> GraphBuilder::gradient_of(Handle forward) const {
  check_handle(forward);
  return twins_[forward] == kNone ? std::nullopt : std::optional(twins_[forward]);
}

ComputationGraph GraphBuilder::build(std::vector<VertexIndex>* index_of) && {
  const std::vector<Handle> order = forward_order();
  std::vector<VertexIndex> index(vertices_.size());
  for (std::size_t i = 0; i < order.size(); ++i) index[order[i]] = static_cast<VertexIndex>(i);

  ComputationGraph graph;
  graph.title_ = std::move(title_);
  graph.forward_size_ = order.size();
  graph.vertices_.reserve(vertices_.size());
  for (const Handle h : order) graph.vertices_.push_back(std::move(vertices_[h]));
  for (auto h = order.rbegin(); h != order.rend(); ++h) {
    const Handle gradient = twins_[*h];
    if (gradient == kNone) continue;
    index[gradient] = static_cast<VertexIndex>(graph.vertices_.size());
    graph.vertices_.push_back(std::move(vertices_[gradient]));
  }
  graph.twins_.resize(vertices_.size());
  for (Handle h = 0; h < vertices_.size(); ++h) graph.twins_[index[h]] = index[twins_[h] == kNone ? h : twins_[h]];

  for (Edge& e : edges_) {
    e.from = index[e.from];
    e.to = index[e.to];
  }
  const auto by_target = [](const Edge& e) { return std::tuple(e.to, e.kind, e.slot, e.from); };
  const auto by_source = [](const Edge& e) { return std::tuple(e.from, e.to, e.kind, e.slot); };
  std::sort(edges_.begin(), edges_.end(), [&](const Edge& a, const Edge& b) { return by_target(a) < by_target(b); });
  const auto twice = std::adjacent_find(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) {
    return a == b || (a.kind == EdgeKind::data && b.kind == a.kind && a.to == b.to && a.slot == b.slot);
  });
  if (twice != edges_.end()) {
    throw GraphError(fmt::format("GraphBuilder: input {} of {} ({}) was given twice as a {} edge", twice->slot,
                                 graph.id(twice->to), graph[twice->to].op, to_string(twice->kind)));
  }
  graph.edges_ = std::move(edges_);
  graph.edges_by_source_ = graph.edges_;
  std::sort(graph.edges_by_source_.begin(), graph.edges_by_source_.end(),
            [&](const Edge& a, const Edge& b) { return by_source(a) < by_source(b); });
  graph.first_in_ = first_positions(graph.edges_, graph.size(), [](const Edge& e) { return e.to; });
  graph.first_out_ = first_positions(graph.edges_by_source_, graph.size(), [](const Edge& e) { return e.from; });
  // A gradient edge that runs against the sweep would close a cycle through the twins.
  for (const Edge& e : graph.edges_) {
    if (e.from >= e.to) {
      throw GraphError(fmt::format("GraphBuilder: the edge {} → {} runs against the order of the graph",
                                   graph.id(e.from), graph.id(e.to)));
    }
  }
  if (index_of) *index_of = std::move(index);
  return graph;
}

// Kahn's algorithm, with the smallest handle first among those that are ready.
std::vector<GraphBuilder::Handle> GraphBuilder::forward_order() const {
  std::vector<std::size_t> first(vertices_.size() + 1, 0);
  std::vector<std::uint32_t> waiting_for(vertices_.size(), 0);
  for (const Edge& e : edges_) {
    if (e.kind != EdgeKind::data) continue;
    ++first[e.from + 1];
    ++waiting_for[e.to];
  }
  for (std::size_t v = 0; v < vertices_.size(); ++v) first[v + 1] += first[v];
  std::vector<Handle> consumers(first.back());
  std::vector<std::size_t> next = first;
  for (const Edge& e : edges_) {
    if (e.kind == EdgeKind::data) consumers[next[e.from]++] = e.to;
  }

  std::priority_queue<Handle, std::vector<Handle>, std::greater<>> ready;
  std::size_t forward_count = 0;
  for (Handle h = 0; h < vertices_.size(); ++h) {
    if (vertices_[h].kind == VertexKind::gradient) continue;
    ++forward_count;
    if (waiting_for[h] == 0) ready.push(h);
  }
  std::vector<Handle> order;
  order.reserve(forward_count);
  while (!ready.empty()) {
    const Handle h = ready.top();
    ready.pop();
    order.push_back(h);
    for (std::size_t i = first[h]; i < first[h + 1]; ++i) {
      if (--waiting_for[consumers[i]] == 0) ready.push(consumers[i]);
    }
  }
  if (order.size() != forward_count) throw_cycle(waiting_for);
  return order;
}

// Walks from waiting vertex to waiting producer until one comes again: that stretch is a cycle.
void GraphBuilder::throw_cycle(const std::vector<std::uint32_t>& waiting_for) const {
  std::vector<Handle> producer(vertices_.size(), kNone);
  for (const Edge& e : edges_) {
    if (e.kind == EdgeKind::data && waiting_for[e.from] > 0) producer[e.to] = e.from;
  }
  const auto stuck = std::find_if(waiting_for.begin(), waiting_for.end(), [](std::uint32_t n) { return n > 0; });
  auto at = static_cast<Handle>(stuck - waiting_for.begin());
  std::vector<bool> seen(vertices_.size(), false);
  for (; !seen[at]; at = producer[at]) seen[at] = true;
  std::string path = describe(at);
  std::size_t steps = 0;
  for (Handle h = producer[at]; h != at; h = producer[h]) {
    if (++steps <= 8) path += " ← " + describe(h);
  }
  if (steps > 8) path += fmt::format(" ← ({} more)", steps - 8);
  throw GraphError(fmt::format("GraphBuilder: the graph has a cycle: {} ← {}", path, describe(at)));
}

void GraphBuilder::check_handle(Handle h) const {
  if (h >= vertices_.size()) {
    throw GraphError(fmt::format("GraphBuilder: there is no vertex {}; {} were added", h, vertices_.size()));
  }
}

std::string GraphBuilder::describe(Handle h) const {
  const Vertex& v = vertices_[h];
  const std::string& what = v.name.empty() ? v.op : v.name;
  return fmt::format("vertex {} ({}{}{})", h, to_string(v.kind), what.empty() ? "" : " ", shorten(what, 60));
}

}  // namespace tapegrad::graph
