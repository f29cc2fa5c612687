#include <limits>

#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> rounding_goldens() {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
  constexpr double kMost = std::numeric_limits<double>::max();
  const Tensor x = vec({-2.5, -0.5, 0.5, 1.5, 2.25});
  return {
      {"fmax", {vec({1, -3, 2}), vec({4, -5, 2})}, {4, -3, 2}, {{0, 2, 1.5}, {1, 0, 1.5}}},
      {"fmin", {vec({1, -3, 2}), vec({4, -5, 2})}, {1, -5, 2}, {{1, 0, 1.5}, {0, 2, 1.5}}},
      {"copysign", {vec({1.5, -3, -2}), vec({-4, 5, -2})}, {-1.5, 3, -2}, {{-1, -2, 3}, {0, 0, 0}}},
      {"floor", {x}, {-3, -1, 0, 1, 2}, {{0, 0, 0, 0, 0}}},
      {"ceil", {x}, {-2, 0, 1, 2, 3}, {{0, 0, 0, 0, 0}}},
      {"round", {x}, {-2, 0, 0, 2, 2}, {{0, 0, 0, 0, 0}}},
      {"trunc", {x}, {-2, 0, 0, 1, 2}, {{0, 0, 0, 0, 0}}},
      {"fmod", {vec({7.5, -7.5, 7.5}), vec({2, 2, -2})}, {1.5, -1.5, 1.5}, {{1, 2, 3}, {-3, 6, 9}}},
      {"remainder", {vec({7.5, -7.5, 7.5}), vec({2, 2, -2})}, {1.5, 0.5, -0.5}, {{1, 2, 3}, {-3, 8, 12}}},
      {"clamp", {x}, {-1, -0.5, 0.5, 1.5, 2}, {{0, 2, 3, 4, 0}}, {{"min", "-1"}, {"max", "2"}}},
      {"clamp", {x}, {0.75, 0.75, 0.75, 1.5, 2.25}, {{0, 0, 0, 4, 5}}, {{"min", "0.75"}}},
      {"nan_to_num", {vec({1, kNaN, kInf, -kInf})}, {1, 0, kMost, -kMost}, {{1, 0, 0, 0}}},
      {"nan_to_num",
       {vec({1, kNaN, kInf, -kInf})},
       {1, 5, 6, 7},
       {{1, 0, 0, 0}},
       {{"nan", "5"}, {"posinf", "6"}, {"neginf", "7"}}},
  };
}

}  // namespace tapegrad::tests
