#include <algorithm>
#include <cmath>
#include <map>
#include <tapegrad/core/internal/node_extra.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/internal/graph_builder.hpp>
#include <tapegrad/op/attributes.hpp>
#include <tapegrad/ops/kernels/norm.hpp>
#include <unordered_map>
#include <unordered_set>

namespace tapegrad::graph {
namespace {

double bytes_of(const Node& node) {
  return static_cast<double>(node.shape.numel()) * static_cast<double>(size_of(node.dtype));
}

// Counts and moments of a value, of which only a row-sparse one's rows are looked at.
Statistics measure(const Tensor& value) {
  Statistics s;
  double sum = 0;
  std::uint64_t finite = 0;
  const RowSparse* rows = value.row_sparse();
  std::vector<double> values = (rows ? rows->values : value).values();
  for (double& v : values) {
    s.nan += std::isnan(v);
    s.inf += std::isinf(v);
    s.zero += v == 0;
    if (!std::isfinite(v)) {
      v = 0;
      continue;
    }
    ++finite;
    sum += v;
    s.min = s.min ? std::min(*s.min, v) : v;
    s.max = s.max ? std::max(*s.max, v) : v;
  }
  if (finite) s.mean = sum / static_cast<double>(finite);
  s.norm = kernels::norm(values.data(), std::ssize(values), 2);
  return s;
}

class Capture {
 public:
  explicit Capture(const CaptureOptions& options) : options_(options), builder_(options.title) {}

  // Finds what the node was computed from; with an explicit stack, since graphs are deep.
  void reach(const Node& from) {
    if (!seen_.insert(&from).second) return;
    std::vector<const Node*> stack{&from};
    while (!stack.empty()) {
      const Node* node = stack.back();
      stack.pop_back();
      nodes_.push_back(node);
      for (std::size_t i = 0; i < node->edge_count; ++i)
        if (const Node* input = node->edges()[i].node(); input && seen_.insert(input).second) stack.push_back(input);
    }
  }

  // In order of creation, which is a topological order and the one that people expect.
  void add_nodes() {
    for (const Tensor& value : options_.also) reach(engine::node_of(value));
    std::stable_sort(nodes_.begin(), nodes_.end(),
                     [](const Node* a, const Node* b) { return a->sequence < b->sequence; });
    note_changes();
    for (const Node* node : nodes_)
      if (node->op && node->op->kind == OpKind::part) parts_[{node->edges()[0].node(), node->scalar_input}] = node;
    for (const Node* node : nodes_) handles_.emplace(node, builder_.add(vertex_of(*node)));
    for (const Node* node : nodes_)
      for (std::size_t i = 0; i < node->edge_count; ++i)
        if (const Node* input = node->edges()[i].node())
          builder_.connect(handles_.at(input), handles_.at(node), static_cast<std::uint32_t>(i));
  }

  void add_output(const Node& node, std::size_t number, std::size_t count) {
    Vertex v;
    v.kind = VertexKind::output;
    const NodeExtra* extra = find_extra(node);
    v.name = extra && !extra->name.empty() ? extra->name : count == 1 ? "output" : "output " + std::to_string(number);
    describe_value(node, v);
    builder_.connect(handles_.at(&node), builder_.add(std::move(v)), 0);
  }

  void add_failure(const Trace::Failure& failure) {
    Vertex v;
    describe_op(*failure.op, v);
    v.failed = true;
    v.attributes.push_back({"error", failure.message});
    if (const ScopeName* scope = Scope::current()) v.scope = scope->path;
    for (const Node* input : failure.inputs)
      if (input && input->scope && v.scope.empty()) v.scope = input->scope->path;
    const auto handle = builder_.add(std::move(v));
    for (std::size_t i = 0; i < failure.inputs.size(); ++i)
      if (failure.inputs[i]) builder_.connect(handles_.at(failure.inputs[i]), handle, static_cast<std::uint32_t>(i));
  }

  ComputationGraph finish() {
    if (options_.gradients) add_gradients();
    return std::move(builder_).build();
  }

 private:
  // Of a leaf, the operations that save it tell which version they saw.
  void note_changes() {
    for (const Node* node : nodes_) {
      if (node->op && node->op->kind != OpKind::part && node->storage && !saved_by_last_pass(*node))
        note_change(*node, node->output_version);
      for (std::size_t i = 0; i < node->edge_count; ++i) {
        const tapegrad::Edge edge = node->edges()[i];
        if (edge.saves() && !edge.node()->op) note_change(*edge.node(), node->versions()[i]);
      }
    }
  }
  static bool saved_by_last_pass(const Node& node) { return node.released && node.output_version == kLetGo; }
  void note_change(const Node& node, std::uint32_t recorded) {
    if (node.version() > recorded) changes_[&node] = std::max(changes_[&node], node.version() - recorded);
  }

  static void describe_op(const OpRecord& op, Vertex& v) {
    v.op = op.info->name;
    v.formula = op.info->formula;
    v.family = op.info->group != Group::none  ? name_of(op.info->group)
               : op.kind == OpKind::pointwise ? "pointwise"
                                              : "op";
  }

  static void describe_value(const Node& node, Vertex& v) {
    v.shape.assign(node.shape.begin(), node.shape.end());
    v.dtype = name_of(node.dtype);
    v.requires_grad = node.requires_grad;
  }

  const Trace::Measured* measured(const Node& node) const {
    return options_.trace ? options_.trace->measured(node) : nullptr;
  }

  Vertex vertex_of(const Node& node) {
    Vertex v;
    describe_value(node, v);
    if (const auto changed = changes_.find(&node); changed != changes_.end()) v.changes = changed->second;
    if (const Trace::Measured* m = measured(node); m && options_.times) v.seconds = m->seconds;
    if (const NodeExtra* extra = find_extra(node)) v.name = extra->name;
    if (node.scope) {
      v.scope = node.scope->path;
      if (const Location& where = node.scope->where; *where.file)
        v.source = std::string(where.file) + ":" + std::to_string(where.line);
    }
    if (node.op) {
      describe_recorded(node, v);
    } else if (node.requires_grad) {
      v.kind = VertexKind::parameter;
    } else {
      // What a layer makes for itself, a mask say, is no input.
      const bool made_within = node.scope || node.shape.numel() == 1;
      v.kind = v.name.empty() && made_within ? VertexKind::constant : VertexKind::input;
    }
    if (node.op == nullptr) v.scope = scope_of_leaf(node, v);
    const NodeExtra* extra = find_extra(node);
    if (options_.statistics && (node.storage || (extra && extra->rows)))
      v.statistics = measure(engine::tensor_of(const_cast<Node&>(node)));
    return v;
  }

  // A parameter belongs to the module whose name it carries, wherever it was created.
  static std::string scope_of_leaf(const Node& node, const Vertex& v) {
    const std::size_t dot = v.name.rfind('.');
    if (dot != std::string::npos) return v.name.substr(0, dot);
    return (node.requires_grad || v.name.empty()) && node.scope ? node.scope->path : "";
  }

  void describe_recorded(const Node& node, Vertex& v) {
    v.kind = VertexKind::op;
    if (node.op->kind == OpKind::part) return describe_part(node, v);
    describe_op(*node.op, v);
    v.is_call = !node.op->results.empty();
    if (v.is_call) v.dtype.clear();
    const Node* first = node.edge_count > 0 ? node.edges()[0].node() : nullptr;
    v.is_view = node.storage && first && first->storage == node.storage;
    if (node.scalar_input >= 0)
      v.attributes.push_back({std::string(node.op->input(static_cast<std::size_t>(node.scalar_input)).name),
                              format_attribute(node.scalar)});
    else if (node.op->attributes)
      for (auto& [key, value] : node.op->attributes(node)) v.attributes.push_back({key, value});
    if (node.op->cost) {
      const Cost cost = node.op->cost(node);
      v.flops = cost.flops;
      v.bytes = cost.bytes;
    } else {
      v.flops = static_cast<double>(node.shape.numel()) * node.op->info->flops;
      v.bytes = node.op->results.empty() ? bytes_of(node) : 0;
      for (std::size_t i = 0; i < node.edge_count; ++i)
        if (const Node* input = node.edges()[i].node()) v.bytes += bytes_of(*input);
    }
    const bool has_gradient = node.op->info->differentiable && (v.is_call || is_floating(node.dtype));
    if (!node.requires_grad && !has_gradient) v.stop = GradientStop::not_differentiable;
    for (std::size_t i = 0; i < node.edge_count; ++i) {
      const tapegrad::Edge edge = node.edges()[i];
      if (edge.node() && edge.node()->requires_grad && !node.requires_grad && v.stop == GradientStop::none)
        v.stop = GradientStop::no_grad;
    }
    if (node.op == &kDetachRecord) v.stop = GradientStop::detached;
    v.released = node.released;
    add_saved(node, v);
  }

  // Each buffer counts at the first vertex that keeps it.
  void add_saved(const Node& node, Vertex& v) {
    std::vector<const void*> own;
    const auto keep = [&](const Node& value, const void* buffer) {
      if (std::find(own.begin(), own.end(), buffer) != own.end()) return;
      own.push_back(buffer);
      (kept_.insert(buffer).second ? v.saved_bytes : v.shared_bytes) += kept_bytes(value);
    };
    const auto buffer_of = [](const Node& value) -> const void* {
      return value.storage ? static_cast<const void*>(value.storage) : &value;
    };
    for (std::size_t i = 0; i < node.edge_count; ++i)
      if (saved_input(node, i)) keep(*node.edges()[i].node(), buffer_of(*node.edges()[i].node()));
    if (saved_output(node)) keep(node, buffer_of(node));
    for (const HeldValue& h : held_by(node)) {
      if (!h.value.defined()) continue;
      // A result is known by its own vertex, which may have lost its buffer too.
      const Node* part = h.result < 0 ? nullptr : part_of(node, h.result);
      keep(engine::node_of(h.value), buffer_of(part ? *part : engine::node_of(h.value)));
    }
  }

  static std::span<const HeldValue> held_by(const Node& node) {
    const std::vector<HeldValue>* held = node.op->held ? node.op->held(node) : nullptr;
    return held ? std::span(*held) : std::span<const HeldValue>();
  }

  const Node* part_of(const Node& call, int result) const {
    const auto found = parts_.find({&call, result});
    return found == parts_.end() ? nullptr : found->second;
  }

  // A view may show more than its buffer holds, one element many times.
  static double kept_bytes(const Node& value) {
    const double bytes = bytes_of(value);
    return value.storage ? std::min(bytes, static_cast<double>(value.storage->bytes())) : bytes;
  }

  // One of several results of the vertex before it.
  static void describe_part(const Node& node, Vertex& v) {
    describe_op(*node.edges()[0].node()->op, v);
    v.op = op_name(node);
    v.formula.clear();
  }

  void add_gradients() {
    for (const Node* node : nodes_) {
      if (!node->requires_grad) continue;
      builder_.add_gradient(handles_.at(node), gradient_of(*node));
    }
    for (const Node* node : nodes_) {
      const auto gradient = builder_.gradient_of(handles_.at(node));
      if (!gradient || !node->op) continue;
      for (std::size_t i = 0; i < node->edge_count; ++i)
        if (saved_input(*node, i)) saved_.insert({handles_.at(node->edges()[i].node()), *gradient});
      if (saved_output(*node)) saved_.insert({handles_.at(node), *gradient});
      if (node->op->kind == OpKind::part) add_held(*node);
    }
    for (const auto& [from, to] : saved_) builder_.connect(from, to, 0, EdgeKind::saved);
    builder_.mirror_gradients();
  }

  // A result that its call keeps for the call's gradient.
  void add_held(const Node& part) {
    const Node& call = *part.edges()[0].node();
    const auto gradient = builder_.gradient_of(handles_.at(&call));
    if (!gradient) return;
    for (const HeldValue& h : held_by(call))
      if (h.result == part.scalar_input) saved_.insert({handles_.at(&part), *gradient});
  }

  Vertex gradient_of(const Node& node) const {
    const Trace::Measured* m = measured(node);
    Vertex v;
    if (m && options_.times) v.seconds = m->gradient_seconds;
    if (options_.statistics) {
      if (const Tensor gradient = accumulated_gradient(node); gradient.defined()) {
        v.statistics = measure(gradient);
      } else if (m && m->gradient.defined()) {
        v.statistics = measure(m->gradient);
      }
    }
    return v;
  }

  struct PairHash {
    std::size_t operator()(const std::pair<GraphBuilder::Handle, GraphBuilder::Handle>& p) const {
      return std::hash<std::uint64_t>()(std::uint64_t{p.first} << 32 | p.second);
    }
  };

  const CaptureOptions& options_;
  GraphBuilder builder_;
  std::unordered_set<const Node*> seen_;
  std::vector<const Node*> nodes_;
  std::unordered_map<const Node*, GraphBuilder::Handle> handles_;
  std::unordered_map<const Node*, std::uint32_t> changes_;    // in place, of what was changed
  std::map<std::pair<const Node*, int>, const Node*> parts_;  // the results of calls with several
  std::unordered_set<const void*> kept_;                      // buffers that vertices so far keep
  std::unordered_set<std::pair<GraphBuilder::Handle, GraphBuilder::Handle>, PairHash> saved_;
};

}  // namespace

ComputationGraph capture(std::span<const Tensor> outputs, const CaptureOptions& options) {
  Capture capture(options);
  for (const Tensor& output : outputs) capture.reach(engine::node_of(output));
  capture.add_nodes();
  for (std::size_t i = 0; i < outputs.size(); ++i) capture.add_output(engine::node_of(outputs[i]), i, outputs.size());
  return capture.finish();
}

ComputationGraph capture(const Trace& trace, std::span<const Tensor> outputs, const CaptureOptions& options) {
  CaptureOptions with_trace = options;
  with_trace.trace = &trace;
  Capture capture(with_trace);
  std::vector<const Node*> results;
  for (const Tensor& output : outputs) results.push_back(&engine::node_of(output));
  if (results.empty()) results.assign(trace.outputs().begin(), trace.outputs().end());
  for (const Node* node : trace.nodes()) capture.reach(*node);
  for (const Node* node : results) capture.reach(*node);
  if (trace.failure())
    for (const Node* input : trace.failure()->inputs)
      if (input) capture.reach(*input);
  capture.add_nodes();
  for (std::size_t i = 0; i < results.size(); ++i) capture.add_output(*results[i], i, results.size());
  if (trace.failure()) capture.add_failure(*trace.failure());
  return capture.finish();
}

ComputationGraph capture(const Tensor& output, const CaptureOptions& options) { return capture({&output, 1}, options); }

ComputationGraph capture(const Trace& trace, const CaptureOptions& options) { return capture(trace, {}, options); }

}  // namespace tapegrad::graph
