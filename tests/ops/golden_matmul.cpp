#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> matmul_goldens() {
  return {
      {"matmul",
       {array({1, 2, 3, 4, 5, 6}, {2, 3}), array({1, 0, 2, 1, 0, 3}, {3, 2})},
       {5, 11, 14, 23},
       {{1, 4, 6, 3, 10, 12}, {13, 18, 17, 24, 21, 30}}},
  };
}

}  // namespace tapegrad::tests
