#pragma once
// What the library's ops give where mathematics leaves a choice: at ties, zeros, the edges of domains, infinities and
// NaN. One table, which tests hold the ops to, `tapegrad gradcheck` counts, and docs/kinks.md shows.

#include <string>
#include <string_view>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad::testing {

struct OpKink {
  std::string_view op;
  std::vector<Tensor> inputs;                  ///< f64 where floats
  std::vector<double> value;                   ///< in row-major order
  std::vector<std::vector<double>> gradients;  ///< one an input, for a cotangent of ones; empty for those without
  NamedValues attributes = {};
};

struct KinkGroup {
  std::string_view title;
  std::vector<OpKink> kinks;
};

/// The table. Values of f64; where they are in its range, f32 gives the same.
const std::vector<KinkGroup>& op_kinks();

/// Runs one, in f64 and f32, with the gradient plain and recorded. A line for each difference; none when all is as
/// decided.
std::vector<std::string> check_kink(const OpKink& kink);

/// "pow(0, 0.5)", with attributes where they are not the defaults.
std::string describe_kink(const OpKink& kink);

}  // namespace tapegrad::testing
