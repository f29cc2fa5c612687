#pragma once
// Graphs for the tests, put together as a recording would put them.

#include <string>
#include <tapegrad/graph/internal/graph_builder.hpp>
#include <vector>

namespace tapegrad::graph::samples {

/// Adds what a program does, one call an op, in a current scope.
class Recording {
 public:
  using Handle = GraphBuilder::Handle;
  using Shape = std::vector<std::int64_t>;

  explicit Recording(std::string title = {}) : builder_(std::move(title)) {}

  std::string scope;  ///< of what is added next

  Handle input(std::string name, Shape shape);
  Handle parameter(std::string name, Shape shape);
  Handle constant(Shape shape);
  Handle op(std::string op, const std::vector<Handle>& inputs, Shape shape, std::string family = "pointwise");
  Handle output(std::string name, Handle value);
  /// x W + b, with its own parameters, in the scope `name` below the current one.
  Handle linear(const std::string& name, Handle x, std::int64_t in, std::int64_t out, std::int64_t batch);

  GraphBuilder& builder() { return builder_; }
  Vertex& last() { return pending_.back(); }

  /// The graph with its gradient twins, and the first input of each op saved for its gradient.
  ComputationGraph finish();

 private:
  Handle add(Vertex vertex, const std::vector<Handle>& inputs);

  GraphBuilder builder_;
  std::vector<Vertex> pending_;
  std::vector<std::vector<Handle>> inputs_;
};

/// The vertex that ComputationGraph::find finds; throws if it finds none.
VertexIndex found(const ComputationGraph& graph, std::string_view id_or_name);

/// input → hidden1 → hidden2 → output → loss
ComputationGraph mlp();

/// A post-norm encoder of `layers` blocks, some 25 ops each.
ComputationGraph transformer(int layers);

/// A recurrent cell with shared weights, unrolled over `steps` steps, without scopes.
ComputationGraph unrolled(int steps);

}  // namespace tapegrad::graph::samples
