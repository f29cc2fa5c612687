#pragma once
// What convolutions and pools declare of their windows.

#include <tapegrad/interchange/internal/onnx_program.hpp>
#include <tapegrad/ops/arrange.hpp>

namespace tapegrad::onnx {

struct Windows {
  /// Of a node with input x [N, C, …]. ValueError for windows that do not fit.
  Windows(const Call& c, const Tensor& x, std::vector<std::int64_t> kernel_size);

  std::vector<std::int64_t> kernel, stride, dilation, result;
  std::vector<Pad> declared, needed;  ///< around the input: as declared, and for all windows to be whole

  /// Whether what is needed is the same at both ends, and how much.
  bool symmetric() const;
  std::vector<std::int64_t> both() const;
};

/// By the attributes of `c`.
Tensor convolution(const Call& c, Tensor x, const Tensor& weight, const Tensor& bias);
Tensor convolved(const Call& c);

}  // namespace tapegrad::onnx
