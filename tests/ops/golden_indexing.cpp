#include <cmath>

#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> indexing_goldens() {
  const Tensor x = array({1, 2, 3, 4, 5, 6}, {3, 2});
  const Tensor ids = tensor({2, 0, 2}, i64);
  const Tensor offsets = tensor({0, 1, 1, 3}, i64);
  return {
      {"take", {x, ids}, {5, 6, 1, 2, 5, 6}, {{3, 4, 0, 0, 6, 8}, {}}, {{"axis", "0"}}},
      {"take", {x, tensor({-1}, i64)}, {2, 4, 6}, {{0, 1, 0, 2, 0, 3}, {}}, {{"axis", "1"}}},
      {"index_add",
       {x, ids, array({10, 20, 30, 40, 50, 60}, {3, 2})},
       {31, 42, 3, 4, 65, 86},
       {{1, 2, 3, 4, 5, 6}, {}, {5, 6, 1, 2, 5, 6}},
       {{"axis", "0"}}},
      {"embedding", {x, ids}, {5, 6, 1, 2, 5, 6}, {{3, 4, 0, 0, 6, 8}, {}}, {{"sparse", "false"}}},
      {"embedding", {x, ids}, {5, 6, 1, 2, 5, 6}, {{3, 4, 0, 0, 6, 8}, {}}, {{"sparse", "true"}}},
      {"embedding_bag",
       {x, ids, offsets},
       {5, 6, 0, 0, 3, 4},
       {{2.5, 3, 0, 0, 3.5, 5}, {}, {}},
       {{"mean", "true"}, {"sparse", "true"}}},
      {"gather", {x, tensor({1, 1, 0, -1}, Shape{2, 2}, i64)}, {2, 2, 3, 4}, {{0, 3, 3, 4, 0, 0}, {}}, {{"axis", "1"}}},
      {"scatter_add",
       {x, tensor({1, 1, 0, 1}, Shape{2, 2}, i64), array({10, 20, 30, 40}, {2, 2})},
       {1, 32, 33, 44, 5, 6},
       {{1, 2, 3, 4, 5, 6}, {}, {2, 2, 3, 4}},
       {{"axis", "1"}}},
      // Two are written to one place: the second stands.
      {"scatter",
       {x, tensor({1, 1, 0, 1}, Shape{2, 2}, i64), array({10, 20, 30, 40}, {2, 2})},
       {1, 20, 30, 40, 5, 6},
       {{1, 0, 0, 0, 5, 6}, {}, {0, 2, 3, 4}},
       {{"axis", "1"}}},
      {"scatter_amax",
       {x, tensor({1, 1, 0, 1}, Shape{2, 2}, i64), array({10, 20, 30, 40}, {2, 2})},
       {1, 20, 30, 40, 5, 6},
       {{1, 0, 0, 0, 5, 6}, {}, {0, 2, 3, 4}},
       {{"axis", "1"}}},
      // Ties of x and source.
      {"scatter_amax",
       {x, tensor({1, 1, 0, 1}, Shape{2, 2}, i64), array({2, 1, 3, 4}, {2, 2})},
       {1, 2, 3, 4, 5, 6},
       {{1, 1, 1.5, 2, 5, 6}, {}, {1, 0, 1.5, 2}},
       {{"axis", "1"}}},
      {"scatter_amax",
       {x, tensor({1, 1, 0, 1}, Shape{2, 2}, i64), array({0, 1, 3, -4}, {2, 2})},
       {1, 1, 3, -4, 5, 6},
       {{1, 0, 0, 0, 5, 6}, {}, {0, 2, 3, 4}},
       {{"axis", "1"}, {"include_self", "false"}}},
      {"scatter_amin",
       {x, tensor({1, 1, 0, 1}, Shape{2, 2}, i64), array({10, -20, 30, 1}, {2, 2})},
       {1, -20, 3, 1, 5, 6},
       {{1, 0, 3, 0, 5, 6}, {}, {0, 2, 0, 4}},
       {{"axis", "1"}}},
      {"segment_max",
       {array({1, 5, 3, 5, 4, 2}, {3, 2}), tensor({0, 3, 3}, i64)},
       {4, 5, 0, 0},
       {{0, 1, 0, 1, 1, 0}, {}}},
      {"segment_sum", {x, offsets}, {1, 2, 0, 0, 8, 10}, {{1, 2, 5, 6, 5, 6}, {}}},
      {"segment_mean", {x, offsets}, {1, 2, 0, 0, 4, 5}, {{1, 2, 2.5, 3, 2.5, 3}, {}}},
      {"masked_mean",
       {array({1, 2, 3, 4, 5, 6, NAN, NAN, NAN, NAN, NAN, NAN}, {2, 3, 2}),
        tensor({1, 0, 1, 0, 0, 0}, Shape{2, 3}, boolean)},
       {3, 4, 0, 0},
       {{0.5, 1, 0, 0, 0.5, 1, 0, 0, 0, 0, 0, 0}, {}}},
      {"concat",
       {array({1, 2}, {2, 1}), array({3, 4, 5, 6}, {2, 2})},
       {1, 3, 4, 2, 5, 6},
       {{1, 4}, {2, 3, 5, 6}},
       {{"axis", "1"}}},
      {"stack", {vec({1, 2}), vec({3, 4})}, {1, 3, 2, 4}, {{1, 3}, {2, 4}}, {{"axis", "1"}}},
  };
}

}  // namespace tapegrad::tests
