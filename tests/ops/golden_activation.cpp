#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> activation_goldens() {
  return {
      {"sigmoid", {num(0.5)}, {0.62245933120185456464}, {{0.23500371220159449069}}},
      {"relu", {vec({-1, 0, 2})}, {0, 0, 2}, {{0, 0, 3}}},
      {"leaky_relu", {vec({-1, 0, 2})}, {-0.1, 0, 2}, {{0.1, 0.2, 3}}, {{"slope", "0.1"}}},
      {"softplus", {num(0.5)}, {0.97407698418010668087}, {{0.62245933120185456464}}},
  };
}

}  // namespace tapegrad::tests
