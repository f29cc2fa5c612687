#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> reduce_goldens() {
  const Tensor x = array({1, 2, 3, 4, 5, 6}, {2, 3});
  return {
      {"sum", {x}, {5, 7, 9}, {{1, 2, 3, 1, 2, 3}}, {{"axes", "0"}}},
  };
}

}  // namespace tapegrad::tests
