#include "golden.hpp"

#include <limits>

namespace tapegrad::tests {

std::vector<Golden> comparison_goldens() {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
  const Tensor a = vec({1, 2, 3}), b = vec({2, 2, 2});
  const Tensor p = tensor({0, 0, 1, 1}, boolean), q = tensor({0, 1, 0, 1}, boolean);
  return {
      {"equal", {a, b}, {0, 1, 0}},
      {"not_equal", {a, b}, {1, 0, 1}},
      {"less", {a, b}, {1, 0, 0}},
      {"less_equal", {a, b}, {1, 1, 0}},
      {"greater", {a, b}, {0, 0, 1}},
      {"greater_equal", {a, b}, {0, 1, 1}},
      {"isnan", {vec({1, kNaN})}, {0, 1}},
      {"logical_and", {p, q}, {0, 0, 0, 1}},
      {"logical_or", {p, q}, {0, 1, 1, 1}},
      {"logical_not", {p}, {1, 1, 0, 0}},
      {"where", {tensor({1, 0}, boolean), vec({3, 4}), vec({5, 6})}, {3, 6}, {{}, {1, 0}, {0, 2}}},
      {"isinf", {vec({1, -kInf, kInf, kNaN})}, {0, 1, 1, 0}},
      {"isfinite", {vec({1, -kInf, kInf, kNaN})}, {1, 0, 0, 0}},
      {"logical_xor", {p, q}, {0, 1, 1, 0}},
  };
}

}  // namespace tapegrad::tests
