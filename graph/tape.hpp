#pragma once
// The tape of scalars that differentiate as a graph: drawn, saved, compared and searched as every other one.

#include <string>
#include <tapegrad/graph/computation_graph.hpp>
#include <tapegrad/scalar/recording.hpp>
#include <vector>

namespace tapegrad::graph {

/// A scalar under a name.
struct NamedScalar {
  std::string name;
  scalars::Real value;
};

/// A vertex for each statement of the innermost recording, and on its edges the derivatives for its arguments. The tape
/// keeps neither values nor names; `named` brings those of inputs and of results, which get an output each. GraphError
/// for values of other recordings and for constants.
ComputationGraph capture(const scalars::Recording<double>& recording, const std::vector<NamedScalar>& named,
                         std::string title = {});

}  // namespace tapegrad::graph
