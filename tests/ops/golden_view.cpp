#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> view_goldens() {
  const Tensor x = array({1, 2, 3, 4, 5, 6}, {2, 3});
  return {
      {"cast", {vec({1.5, -2.5})}, {1.5, -2.5}, {{1, 2}}, {{"dtype", "f64"}}},
      {"reshape", {x}, {1, 2, 3, 4, 5, 6}, {{1, 2, 3, 4, 5, 6}}, {{"shape", "3,2"}}},
      {"permute", {x}, {1, 4, 2, 5, 3, 6}, {{1, 3, 5, 2, 4, 6}}, {{"axes", "1,0"}}},
      {"broadcast_to", {vec({7, 8})}, {7, 8, 7, 8}, {{4, 6}}, {{"shape", "2,2"}}},
      {"slice", {x}, {2, 3, 5, 6}, {{0, 1, 2, 0, 3, 4}}, {{"axis", "1"}, {"start", "1"}}},
      {"slice_scatter",
       {vec({7, 8})},
       {0, 7, 0, 8},
       {{2, 4}},
       {{"axis", "0"}, {"start", "1"}, {"step", "2"}, {"extent", "4"}}},
  };
}

}  // namespace tapegrad::tests
