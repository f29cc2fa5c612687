#pragma once
// One known value an op, from a source other than this library: a table, a formula done by hand, mpmath.

#include <string>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/registry.hpp>
#include <vector>

namespace tapegrad::tests {

struct Golden {
  std::string op;
  std::vector<Tensor> inputs;  ///< f64 where floats
  std::vector<double> value;   ///< in row-major order; of several results, one after the other
  /// For each input, against the cotangent 1, 2, 3, … in the shape of the value; empty for inputs without one.
  std::vector<std::vector<double>> gradients = {};
  NamedValues attributes = {};
};

/// A scalar.
inline Tensor num(double value) { return scalar(value, f64); }
inline Tensor flag(bool value) { return scalar(value, boolean); }
/// A vector, or with a shape any array, of f64.
inline Tensor vec(std::initializer_list<double> values) { return tensor(values, f64); }
inline Tensor array(std::initializer_list<double> values, const Shape& shape) { return tensor(values, shape, f64); }

// One function a file of ops, each in golden_<name>.cpp.
std::vector<Golden> arithmetic_goldens();
std::vector<Golden> elementary_goldens();
std::vector<Golden> activation_goldens();
std::vector<Golden> comparison_goldens();
std::vector<Golden> rounding_goldens();
std::vector<Golden> special_goldens();
std::vector<Golden> view_goldens();
std::vector<Golden> reduce_goldens();
std::vector<Golden> extremum_goldens();
std::vector<Golden> moment_goldens();
std::vector<Golden> order_goldens();
std::vector<Golden> scan_goldens();
std::vector<Golden> softmax_goldens();
std::vector<Golden> loss_goldens();
std::vector<Golden> matmul_goldens();
std::vector<Golden> linear_algebra_goldens();
std::vector<Golden> indexing_goldens();
std::vector<Golden> arrange_goldens();
std::vector<Golden> recurrence_goldens();
std::vector<Golden> convolution_goldens();
std::vector<Golden> pooling_goldens();
std::vector<Golden> attention_goldens();
std::vector<Golden> resample_goldens();
std::vector<Golden> normalization_goldens();

std::vector<Golden> all_goldens();

}  // namespace tapegrad::tests
