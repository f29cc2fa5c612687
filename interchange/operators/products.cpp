// Products of matrices, and what is written with them.

#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/linear_algebra.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

/// Of integers in f64, where products of 32-bit ones are exact.
Tensor product(const Call& c) {
  const Tensor &a = c.in(0), &b = c.in(1);
  if (is_floating(a.dtype())) return matmul(a, b);
  return cast(matmul(cast(a, f64), cast(b, f64)), a.dtype());
}

Tensor gemm(const Call& c) {
  const Tensor a = c.integer("transA", 0) != 0 ? transpose(c.in(0)) : c.in(0);
  const Tensor b = c.integer("transB", 0) != 0 ? transpose(c.in(1)) : c.in(1);
  const double alpha = c.number("alpha", 1), beta = c.number("beta", 1);
  const DType wide = is_floating(a.dtype()) ? a.dtype() : f64;
  Tensor y = matmul(cast(a, wide), cast(b, wide));
  if (alpha != 1) y = y * alpha;
  if (c.has(2)) y = y + (beta == 1 ? cast(c.in(2), wide) : cast(c.in(2), wide) * beta);
  return cast(y, a.dtype());
}

Tensor einstein(const Call& c) {
  const std::vector<Tensor> operands = c.all();
  std::string equation = c.text("equation", "");
  std::erase(equation, ' ');
  return einsum(equation, operands);
}

Tensor determinant(const Call& c) { return det(c.in(0)); }

constexpr Importer kImporters[] = {
    {"Det", determinant},
    {"Einsum", einstein},
    {"Gemm", gemm},
    {"MatMul", product},
};

}  // namespace

std::span<const Importer> product_importers() { return kImporters; }

}  // namespace tapegrad::onnx
