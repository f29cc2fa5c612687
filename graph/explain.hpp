#pragma once
// What is wrong with a recorded training step, and where its memory and time go, in words.

#include <cstdint>
#include <string>
#include <tapegrad/graph/computation_graph.hpp>
#include <vector>

namespace tapegrad::graph {

/// One thing that a reader of a graph should know.
struct Explanation {
  enum class Kind : std::uint8_t {
    non_finite,   ///< where the first NaN or infinity comes from, and why
    no_gradient,  ///< parameters that get none, or only zeros, and why
    vanishing,    ///< gradients many orders smaller than others,
    exploding,    ///< or larger
    memory,       ///< who holds most of what is kept for the backward pass
    cost,         ///< the dearest operations
  };
  Kind kind;
  std::vector<VertexIndex> where;  ///< the vertices it is about, the most important first
  std::string text;                ///< in a sentence or a few lines
};

/// All that there is to say, faults first. What depends on measurements is said only of graphs that have them.
std::vector<Explanation> explanations(const ComputationGraph& graph);

/// The same as text for a terminal; says so if no fault was found.
std::string explain(const ComputationGraph& graph);

}  // namespace tapegrad::graph
