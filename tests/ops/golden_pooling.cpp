#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> pooling_goldens() {
  const Tensor x = array({1, 5, 2, 0, 4, 4, 3, -1, 7, 6, -2, 8}, {1, 1, 3, 4});
  return {
      {"max_pool",
       {x},
       {5, 5, 3, 7, 6, 8},
       {{0, 3, 0, 0, 0, 0, 3, 0, 4, 5, 0, 6}},
       {{"kernel_size", "2"}, {"stride", "1"}}},
      {"max_pool_positions", {x}, {1, 1, 6, 8, 9, 11}, {}, {{"kernel_size", "2"}, {"stride", "1"}}},
      {"adaptive_max_pool", {x}, {5, 3, 7, 8}, {{0, 1, 0, 0, 0, 0, 2, 0, 3, 0, 0, 4}}, {{"output_size", "2"}}},
      {"avg_pool",
       {x},
       {14. / 4, 4. / 4, 13. / 2, 6. / 2},
       {{0.25, 0.25, 0.5, 0.5, 0.25, 0.25, 0.5, 0.5, 1.5, 1.5, 2, 2}},
       {{"kernel_size", "2"}, {"ceil_mode", "true"}}},
      {"avg_unpool", {array({2, 4}, {1, 1, 2})}, {1, 1, 2, 2}, {{1.5, 3.5}}, {{"kernel_size", "2"}, {"extents", "4"}}},
      {"adaptive_avg_pool",
       {array({1, 2, 3, 4, 5}, {1, 1, 5})},
       {1.5, 3, 4.5},
       {{0.5, 1. / 2 + 2. / 3, 2. / 3, 2. / 3 + 1.5, 1.5}},
       {{"output_size", "3"}}},
      {"adaptive_avg_unpool",
       {array({2, 3, 4}, {1, 1, 3})},
       {1, 2, 1, 3, 2},
       {{1.5, 3, 4.5}},
       {{"output_size", "3"}, {"extents", "5"}}},
  };
}

}  // namespace tapegrad::tests
