#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> convolution_goldens() {
  const Tensor x = array({1, -2, 3, 0.5, 4, 2, 0, -1, 5, -3}, {1, 2, 5});
  const Tensor w = array({1, 2, 3, -1, 0.5, 2, 0, 1, -2, 4, -0.5, 1}, {2, 2, 3});
  const Tensor bias = vec({0.25, -1}), y = array({1, -1, 2, 0.5, 3, -2}, {1, 2, 3});
  const NamedValues steps{{"stride", "2"}, {"padding", "1"}};
  return {
      {"conv",
       {x, w, bias},
       {-2.75, 15.25, 2.25, 3, 6.5, 24.5},
       {{6, -3, 9, -1, 12, -1.5, 24, -1.5, 30, -1.5}, {-2.5, 19, -1, 15, -9, 10, -7, 43, -5.5, 30, -15, 25}, {6, 15}},
       steps},
      {"conv_transpose",
       {y, w, bias},
       {2.75, 1.25, 1.25, -6.75, 2.25, -0.75, 14.5, -3, -10, 1},
       {{25, 35, 10, 1, 28, 36}, {6, 8, -2, 11, 18, -2, -2, -0.5, 13, 3, 7, 30.5}, {15, 40}},
       steps},
      {"conv_weight",
       {x, y},
       {3, 6, -2.5, 10, -3, -5, -7, 1.5, 0.5, -10, 4, 15},
       {{6, 27.5, 22, 12, -12, 10.5, 38, 28, 18, -12}, {6, 30.5, 13.5, 12, 63.5, 52.5}},
       {{"stride", "2"}, {"padding", "1"}, {"kernel", "3"}}},
  };
}

}  // namespace tapegrad::tests
