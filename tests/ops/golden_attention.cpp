#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> attention_goldens() {
  return {
      {"masked_softmax",
       {array({1, 2, 4, -1, 0.5, 3}, {2, 3}), tensor({1, 0, 1, 1, 1, 0}, {2, 3}, boolean)},
       {1, 0, 0, 0.32082130082460702684, 0.67917869917539297316, 0},
       {{0, 0, 0, -0.10894749688090701474, 0.10894749688090701474, 0}},
       {{"scale", "0.5"}, {"causal", "true"}}},
  };
}

}  // namespace tapegrad::tests
