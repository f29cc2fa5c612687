#pragma once
// A graph as a table for terminals and logs.

#include <cstddef>
#include <optional>
#include <string>
#include <tapegrad/graph/computation_graph.hpp>

namespace tapegrad::graph {

struct SummaryOptions {
  bool ops = false;                    ///< a row for each op too, not only for each scope
  std::optional<std::size_t> depth{};  ///< of the scopes that get rows
  bool fold = true;                    ///< exact repeats as one row
};

/// The tree of scopes in the order of execution, with what each computes, the shape of its result, its parameters, its
/// arithmetic operations and the bytes that it keeps for the backward sweep; then the totals. What is in no scope has a
/// row of its own.
std::string to_text(const ComputationGraph& graph, const SummaryOptions& options = {});

}  // namespace tapegrad::graph
