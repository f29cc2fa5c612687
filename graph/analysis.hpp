#pragma once
// Questions to a graph, and its summary as a table for terminals and logs.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tapegrad/graph/computation_graph.hpp>
#include <vector>

namespace tapegrad::graph {

/// "n12 log 'scores' in encoder.layers.0, recorded at model.cpp:41": a vertex in words, for messages.
std::string describe(const ComputationGraph& graph, VertexIndex index);

/// The earliest vertex, in the order of execution, whose value holds NaN or infinity although all its inputs are
/// finite. Gradients count as executed after all values.
std::optional<VertexIndex> first_bad_vertex(const ComputationGraph& graph);

/// The forward vertices that no output depends on. Without outputs, the results (ops whose value nothing takes) count
/// as outputs, and only leaves can be unused.
std::vector<VertexIndex> unused_vertices(const ComputationGraph& graph);

enum class Cost : std::uint8_t { flops, bytes, seconds };

/// The dearest chain of vertices.
struct CriticalPath {
  std::vector<VertexIndex> vertices;  ///< in the order of execution
  double cost = 0;                    ///< their sum
};

/// The dearest chain of vertices, each of which needs the one before it: what cannot be made faster by doing more at
/// once.
CriticalPath critical_path(const ComputationGraph& graph, Cost cost);

/// For every forward vertex the last vertex before it that all data from the inputs passes through on its way to it;
/// none where there is no such vertex, and for what depends on no input. Parameters and constants are no inputs here;
/// in a graph without inputs all leaves are.
std::vector<std::optional<VertexIndex>> immediate_dominators(const ComputationGraph& graph);

/// The values through which all data passes on its way to a vertex (the last result if none is given), first to last:
/// where a recording can be cut in two, and an activation kept or recomputed.
std::vector<VertexIndex> bottlenecks(const ComputationGraph& graph, std::optional<VertexIndex> of = std::nullopt);

/// The gradients for whose sake the buffer of a value, which it may share with views, is kept after the forward pass.
std::vector<VertexIndex> kept_alive_by(const ComputationGraph& graph, VertexIndex value);

/// Memory in bytes, if every buffer is freed as soon as nothing needs it, in the order of recording.
struct MemoryEstimate {
  double peak = 0;
  VertexIndex peak_at = 0;   ///< the vertex during whose computation that is
  double persistent = 0;     ///< leaves, and the gradients of parameters; part of the peak
  std::vector<double> live;  ///< for each vertex, while it is computed
};
MemoryEstimate estimate_memory(const ComputationGraph& graph);

/// What a scope holds and costs.
struct ScopeTotals {
  std::string scope;  ///< "" for the whole graph, which comes first
  std::size_t ops = 0;
  double parameters = 0, trainable = 0, parameter_bytes = 0;
  double flops = 0, saved_bytes = 0, seconds = 0;  ///< of the forward pass
};
/// For each scope everything in it and in the scopes within it, in the order in which they first occur.
std::vector<ScopeTotals> scope_totals(const ComputationGraph& graph);

/// Why a value has the gradient that it has.
struct GradientReport {
  enum class Finding : std::uint8_t {
    flows,               ///< it has a gradient that is not zero, or was not measured
    not_required,        ///< it was made without requires_grad
    unused,              ///< no output depends on it
    detached,            ///< every way to an output leads through a detached value,
    no_grad,             ///< one computed while gradients were off,
    not_differentiable,  ///< or an op without a gradient
    not_recorded,        ///< a gradient could flow, but the graph holds none
    zero,                ///< the gradient came and was all zero
  };
  Finding finding = Finding::flows;
  std::vector<VertexIndex> where;  ///< the vertices to blame, if there are such
  std::string text;                ///< all that in a sentence or two
};

/// Why a value, say a parameter, has no gradient, or none that would change it.
/// Throws ValueError for a vertex that is a gradient itself.
GradientReport explain_gradient(const ComputationGraph& graph, VertexIndex value);

/// Of to_text().
struct SummaryOptions {
  bool ops = false;                    ///< a row for each op too, not only for each scope
  std::optional<std::size_t> depth{};  ///< of the scopes that get rows
  bool fold = true;                    ///< exact repeats as one row
  /// Of the widest line: texts are cut, then the last columns left out.
  std::size_t columns = ~std::size_t{0};
};

/// The tree of scopes in the order of execution, with what each computes, the shape of its result, its parameters, its
/// arithmetic operations and the bytes that it keeps for the backward sweep; then the totals. What is in no scope has a
/// row of its own.
std::string to_text(const ComputationGraph& graph, const SummaryOptions& options = {});

}  // namespace tapegrad::graph
