#pragma once
// Graphs that nobody would draw by hand, for property tests. The same seed gives the same graph everywhere.

#include <cstdint>
#include <random>
#include <string>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/graph_builder.hpp>

namespace tapegrad::graph::samples {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}
  /// From 0 to below `bound`; the distributions of the standard library differ between its implementations.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class Container>
  const auto& pick(const Container& choices) {
    return choices[below(std::size(choices))];
  }

 private:
  std::mt19937_64 engine_;
};

/// A name that some renderer, reader or shell could take for something else.
std::string hostile_name(Chance& chance);

/// Leaves, ops with up to four inputs from near and far, outputs, gradients, saved values, statistics, nested scopes;
/// with hostile names for all of it or with plain ones.
ComputationGraph random_graph(std::uint64_t seed, std::size_t vertices, bool hostile = true);

/// A random block of `size` ops, each with inputs from the block, from the copy before it and from leaves of its own or
/// of all copies, `copies` times in a row.
ComputationGraph random_repeats(std::uint64_t seed, std::size_t size, std::size_t copies);

/// Some options, with a focus in the graph now and then.
DrawOptions random_options(std::uint64_t seed, const ComputationGraph& graph);

}  // namespace tapegrad::graph::samples
