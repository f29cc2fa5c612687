#include "golden.hpp"

namespace tapegrad::tests {

std::vector<Golden> resample_goldens() {
  const NamedValues windows{{"kernel_size", "2"}, {"padding", "1,0"}};
  NamedValues folded = windows;
  folded.emplace_back("output_size", "2,3");
  Tensor columns = empty({1, 4, 6}, f64);
  for (std::size_t i = 0; i < 24; ++i) columns.mutable_data<double>()[i] = static_cast<double>(i + 1);
  const std::vector<double> unfolded{0, 0, 1, 2, 4, 5, 0, 0, 2, 3, 5, 6, 1, 2, 4, 5, 0, 0, 2, 3, 5, 6, 0, 0};
  return {
      {"interpolate",
       {array({1, 3, -2}, {1, 1, 3})},
       {1, 1.8, 3, 0, -2},
       {{2.2, 5.4, 7.4}},
       {{"size", "5"}, {"mode", "linear"}}},
      {"interpolate", {array({1, 3, -2}, {1, 1, 3})}, {1, 1, 3, 3, -2}, {{3, 7, 5}}, {{"size", "5"}}},
      {"interpolate_adjoint",
       {array({1, 3, -2, 4, 0.5}, {1, 1, 5})},
       {2.8, 0.8, 2.9},
       {{1, 1.4, 2, 2.6, 3}},
       {{"size", "5"}, {"mode", "linear"}, {"extents", "3"}}},
      {"unfold", {array({1, 2, 3, 4, 5, 6}, {1, 1, 2, 3})}, unfolded, {{16, 46, 30, 20, 54, 34}}, windows},
      {"fold", {columns}, {16, 46, 30, 20, 54, 34}, {unfolded}, folded},
  };
}

}  // namespace tapegrad::tests
