#pragma once
// Batches of matrices: the last two axes of a tensor are rows and columns, those before them the batch.

#include <functional>
#include <tapegrad/core/random.hpp>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::internal {

/// The axes before the last two.
Shape batch_of(const Shape& shape);
/// A batch with two more axes.
Shape with_matrix(const Shape& batch, std::int64_t rows, std::int64_t columns);

/// ShapeError unless `x`, called `name`, is a batch of matrices, or of square ones.
void require_matrices(const OpInfo& op, const char* name, const Tensor& x);
void require_square(const OpInfo& op, const char* name, const Tensor& x);

/// What for_matrices says where a body returns false.
struct Refusal {
  const char* name;  ///< of the first operand
  const char* why;   ///< "is singular; …"
};
using MatrixBody = std::function<bool(const double* a, const double* b, double* y)>;
using MatricesBody = std::function<bool(const double* a, const double* b, std::span<double* const> results)>;
/// Calls `body` for each matrix of a, and of b if there is one, whose batches broadcast to `batch`; each result
/// has those of the matrices one after the other. All as row-major f64, converted where they are not. Several threads
/// work when `flops` a matrix are worth it, each alone on a matrix. ValueError that names the matrix where the body
/// returns false.
void for_matrices(const OpInfo& op, const Refusal& refusal, double flops, const Shape& batch, const Tensor& a,
                  const Tensor& b, std::initializer_list<Tensor*> results, const MatricesBody& body);
/// The same with one result.
void for_matrices(const OpInfo& op, const Refusal& refusal, double flops, const Shape& batch, const Tensor& a,
                  const Tensor& b, Tensor& y, const MatrixBody& body);

/// Arithmetic of about `flops` a matrix, and one pass over what goes in and out.
Cost matrix_cost(const Shape& batch, double flops, std::initializer_list<Tensor> in_and_out);

/// Matrices for samples: far from singular, with singular values and eigenvalues far apart.
Tensor distinct_matrices(const Shape& shape, Rng& rng);

/// x / y, and 0 where both are 0: of gradients through what is not unique, the part that nobody asked for.
Tensor quotient(const Tensor& x, const Tensor& y);

}  // namespace tapegrad::internal
