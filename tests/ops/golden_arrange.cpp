#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> arrange_goldens() {
  const Tensor x = array({1, 2, 3, 4, 5, 6}, {2, 3});
  return {
      {"roll", {x}, {3, 1, 2, 6, 4, 5}, {{2, 3, 1, 5, 6, 4}}, {{"shift", "-2"}, {"axis", "1"}}},
      {"pad", {vec({7, 8})}, {9, 7, 8, 9, 9}, {{2, 3}}, {{"pads", "1,2"}, {"value", "9"}}},
      {"pad",
       {x},
       {9, 9, 9, 9, 9, 1, 2, 3, 9, 9, 4, 5, 6, 9, 9},
       {{6, 7, 8, 11, 12, 13}},
       {{"pads", "1,0,0,2"}, {"value", "9"}}},
      {"tril", {x}, {1, 0, 0, 4, 5, 0}, {{1, 0, 0, 4, 5, 0}}, {{"k", "0"}}},
      {"triu", {x}, {0, 2, 3, 0, 0, 6}, {{0, 2, 3, 0, 0, 6}}, {{"k", "1"}}},
      {"diagonal", {x}, {2, 6}, {{0, 1, 0, 0, 0, 2}}, {{"k", "1"}}},
      {"diagonal_scatter", {vec({7, 8})}, {0, 7, 0, 0, 0, 8}, {{2, 6}}, {{"k", "1"}, {"shape", "2,3"}}},
      // The first words of Philox4x32-10 with key and counter 0, which its authors publish as a known answer, are
      // 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
      {"dropout", {vec({1, 2, 3, 4})}, {0, 4, 6, 8}, {{0, 4, 6, 8}}, {{"p", "0.5"}}},
      {"dropout", {vec({1, 2, 3, 4})}, {0, 8, 0, 0}, {{0, 8, 0, 0}}, {{"p", "0.75"}}},
      {"dropout", {vec({1, 2})}, {4, 0}, {{4, 0}}, {{"p", "0.75"}, {"position", "1"}}},
  };
}

}  // namespace tapegrad::tests
