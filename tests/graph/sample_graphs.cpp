#include "sample_graphs.hpp"

#include <stdexcept>
#include <utility>

namespace tapegrad::graph::samples {
namespace {

std::string joined(const std::string& scope, const std::string& name) {
  return scope.empty() ? name : scope + "." + name;
}

}  // namespace

Recording::Handle Recording::add(Vertex vertex, const std::vector<Handle>& inputs) {
  vertex.dtype = "f32";
  for (const Handle h : inputs) vertex.requires_grad = vertex.requires_grad || pending_[h].requires_grad;
  pending_.push_back(std::move(vertex));
  inputs_.push_back(inputs);
  return static_cast<Handle>(pending_.size() - 1);
}

Recording::Handle Recording::input(std::string name, Shape shape) {
  Vertex v;
  v.kind = VertexKind::input;
  v.name = std::move(name);
  v.shape = std::move(shape);
  return add(std::move(v), {});
}

Recording::Handle Recording::parameter(std::string name, Shape shape) {
  Vertex v;
  v.kind = VertexKind::parameter;
  v.scope = scope;
  v.name = joined(scope, name);
  v.shape = std::move(shape);
  v.requires_grad = true;
  return add(std::move(v), {});
}

Recording::Handle Recording::constant(Shape shape) {
  Vertex v;
  v.kind = VertexKind::constant;
  v.scope = scope;
  v.shape = std::move(shape);
  return add(std::move(v), {});
}

Recording::Handle Recording::op(std::string op, const std::vector<Handle>& inputs, Shape shape, std::string family) {
  Vertex v;
  v.op = std::move(op);
  v.family = std::move(family);
  v.scope = scope;
  v.shape = std::move(shape);
  v.flops = element_count(v);
  return add(std::move(v), inputs);
}

Recording::Handle Recording::output(std::string name, Handle value) {
  Vertex v;
  v.kind = VertexKind::output;
  v.name = std::move(name);
  v.shape = pending_[value].shape;
  return add(std::move(v), {value});
}

Recording::Handle Recording::linear(const std::string& name, Handle x, std::int64_t in, std::int64_t out,
                                    std::int64_t batch) {
  const std::string outer = std::exchange(scope, joined(scope, name));
  const Handle weight = parameter("weight", {in, out});
  const Handle bias = parameter("bias", {out});
  const Handle product = op("matmul", {x, weight}, {batch, out}, "contraction");
  pending_[product].flops = 2.0 * static_cast<double>(batch * in * out);
  const Handle sum = op("add", {product, bias}, {batch, out});
  scope = outer;
  return sum;
}

ComputationGraph Recording::finish() {
  std::vector<Handle> handles;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Vertex v = pending_[i];
    if (v.kind == VertexKind::op && v.requires_grad) v.saved_bytes = value_bytes(pending_[inputs_[i].front()]);
    handles.push_back(builder_.add(v));
  }
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    for (std::uint32_t slot = 0; slot < inputs_[i].size(); ++slot) {
      builder_.connect(handles[inputs_[i][slot]], handles[i], slot);
    }
  }
  builder_.mirror_gradients();
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (pending_[i].kind != VertexKind::op || !pending_[i].requires_grad) continue;
    builder_.connect(handles[inputs_[i].front()], *builder_.gradient_of(handles[i]), 0, EdgeKind::saved);
  }
  return std::move(builder_).build();
}

VertexIndex found(const ComputationGraph& graph, std::string_view id_or_name) {
  if (const auto vertex = graph.find(id_or_name)) return *vertex;
  throw std::out_of_range(std::string(id_or_name));
}

ComputationGraph mlp() {
  Recording r("mlp");
  auto x = r.input("x", {32, 784});
  const auto labels = r.input("labels", {32});
  x = r.op("relu", {r.linear("hidden1", x, 784, 512, 32)}, {32, 512});
  x = r.op("relu", {r.linear("hidden2", x, 512, 256, 32)}, {32, 256});
  const auto logits = r.linear("output", x, 256, 10, 32);
  r.output("loss", r.op("cross_entropy", {logits, labels}, {}, "loss"));
  return r.finish();
}

ComputationGraph transformer(int layers) {
  Recording r("transformer");
  const std::int64_t tokens = 64, width = 128;
  const Recording::Shape full{tokens, width};
  const auto words = r.input("tokens", {tokens});
  const auto mask = r.input("mask", {tokens, tokens});
  r.scope = "embedding";
  auto x = r.op("gather", {r.parameter("weight", {1000, width}), words}, full, "indexing");
  for (int layer = 0; layer < layers; ++layer) {
    const std::string block = "encoder.layers." + std::to_string(layer);
    r.scope = block + ".attention";
    const auto q = r.linear("query", x, width, width, tokens);
    const auto k = r.linear("key", x, width, width, tokens);
    const auto v = r.linear("value", x, width, width, tokens);
    auto scores =
        r.op("matmul", {q, r.op("transpose", {k}, {width, tokens}, "shape")}, {tokens, tokens}, "contraction");
    scores = r.op("mul", {scores, r.constant({})}, {tokens, tokens});
    scores = r.op("softmax", {r.op("add", {scores, mask}, {tokens, tokens})}, {tokens, tokens}, "reduction");
    const auto mixed = r.op("matmul", {scores, v}, full, "contraction");
    const auto attended = r.linear("out", mixed, width, width, tokens);
    const auto norm = [&](const std::string& name, Recording::Handle value) {
      r.scope = block + "." + name;
      const auto scaled = r.op("layer_norm", {value, r.parameter("scale", {width}), r.parameter("shift", {width})},
                               full, "normalization");
      r.scope = block;
      return scaled;
    };
    r.scope = block;
    x = norm("norm1", r.op("add", {x, attended}, full));
    r.scope = block + ".feed_forward";
    auto y = r.op("gelu", {r.linear("up", x, width, 4 * width, tokens)}, {tokens, 4 * width});
    y = r.linear("down", y, 4 * width, width, tokens);
    r.scope = block;
    x = norm("norm2", r.op("add", {x, y}, full));
  }
  r.scope = "";
  const auto logits = r.linear("head", x, width, 1000, tokens);
  r.output("loss", r.op("cross_entropy", {logits, words}, {}, "loss"));
  return r.finish();
}

ComputationGraph unrolled(int steps) {
  Recording r("unrolled");
  const auto weight = r.parameter("weight", {64, 64});
  const auto bias = r.parameter("bias", {64});
  auto h = r.constant({8, 64});
  for (int t = 0; t < steps; ++t) {
    const auto x = r.input("x" + std::to_string(t), {8, 64});
    auto y = r.op("matmul", {h, weight}, {8, 64}, "contraction");
    y = r.op("add", {y, x}, {8, 64});
    h = r.op("tanh", {r.op("add", {y, bias}, {8, 64})}, {8, 64});
  }
  r.output("loss", r.op("mean", {h}, {}, "reduction"));
  return r.finish();
}

}  // namespace tapegrad::graph::samples
