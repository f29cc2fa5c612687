#include <tapegrad/ops/internal/matrices.hpp>

#include <algorithm>
#include <string>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <vector>

namespace tapegrad::internal {
namespace {

/// Dense, in f64, its batch broadcast.
Tensor in_double(const Tensor& t, const Shape& batch) {
  const Shape shape = with_matrix(batch, t.shape()[-2], t.shape()[-1]);
  if (t.dtype() == f64 && t.shape() == shape) return t.contiguous();
  Tensor copy = empty(shape, f64);
  copy.copy_from(t);
  return copy;
}

}  // namespace

Shape batch_of(const Shape& shape) { return Shape(shape.dims().first(static_cast<std::size_t>(shape.rank() - 2))); }

Shape with_matrix(const Shape& batch, std::int64_t rows, std::int64_t columns) {
  return batch.insert(batch.rank(), rows).insert(batch.rank() + 1, columns);
}

void require_matrices(const OpInfo& op, const char* name, const Tensor& x) {
  if (x.rank() < 2)
    throw ShapeError(std::string(op.name) + ": " + name + " is " + to_string(x.shape()) +
                     "; a matrix is expected, [..., n, m]");
}

void require_square(const OpInfo& op, const char* name, const Tensor& x) {
  if (x.rank() < 2 || x.shape()[-1] != x.shape()[-2])
    throw ShapeError(std::string(op.name) + ": " + name + " is " + to_string(x.shape()) +
                     "; a square matrix is expected, [..., n, n]");
}

void for_matrices(const OpInfo& op, const Refusal& refusal, double flops, const Shape& batch, const Tensor& a,
                  const Tensor& b, std::initializer_list<Tensor*> results, const MatricesBody& body) {
  if (std::ranges::all_of(results, [](const Tensor* y) { return y->numel() == 0; })) return;
  constexpr double kWorth = 1 << 17;
  const std::int64_t count = batch.numel();
  const Tensor left = in_double(a, batch), right = b.defined() ? in_double(b, batch) : Tensor();
  const double* first = left.data<double>().data();
  const double* second = right.defined() ? right.data<double>().data() : nullptr;
  const std::int64_t a_step = left.numel() / count, b_step = right.defined() ? right.numel() / count : 0;
  std::vector<Tensor> computed;
  std::vector<double*> to;
  for (Tensor* y : results) {
    computed.push_back(y->dtype() == f64 ? *y : empty(y->shape(), f64));
    to.push_back(computed.back().mutable_data<double>().data());
  }
  std::vector<char> done(static_cast<std::size_t>(count));
  for_chunks(count, flops * static_cast<double>(count) > kWorth, [&](std::int64_t i) {
    const OneThread alone;
    std::vector<double*> own = to;
    for (std::size_t k = 0; k < own.size(); ++k) own[k] += i * (computed[k].numel() / count);
    done[static_cast<std::size_t>(i)] = body(first + i * a_step, second + i * b_step, own) ? 1 : 0;
  });
  const auto failed = std::ranges::find(done, 0);
  if (failed != done.end())
    throw ValueError(std::string(op.name) + ": " +
                     (count > 1 ? "matrix " + std::to_string(failed - done.begin()) + " of " : "") + refusal.name +
                     ", " + describe(a) + ", " + refusal.why);
  for (std::size_t k = 0; Tensor * y : results)
    if (const Tensor& result = computed[k++]; y->dtype() != f64) y->copy_from(result);
}

void for_matrices(const OpInfo& op, const Refusal& refusal, double flops, const Shape& batch, const Tensor& a,
                  const Tensor& b, Tensor& y, const MatrixBody& body) {
  for_matrices(
      op, refusal, flops, batch, a, b, {&y},
      [&](const double* left, const double* right, std::span<double* const> to) { return body(left, right, to[0]); });
}

Cost matrix_cost(const Shape& batch, double flops, std::initializer_list<Tensor> in_and_out) {
  return {flops * static_cast<double>(batch.numel()), one_pass(0, *in_and_out.begin(), in_and_out).bytes};
}

Tensor distinct_matrices(const Shape& shape, Rng& rng) {
  Tensor t = empty(shape, f64);
  const std::int64_t columns = shape[-1], size = shape[-2] * columns;
  const auto values = t.mutable_data<double>();
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    const std::int64_t row = i % size / columns, column = i % columns;
    const double spread = 0.6 * rng.uniform() - 0.3;
    values[static_cast<std::size_t>(i)] = spread + (row == column ? 1.5 * static_cast<double>(row + 1) : 0);
  }
  return t;
}

Tensor quotient(const Tensor& x, const Tensor& y) { return where(x == 0 && y == 0, 0, x / y); }

}  // namespace tapegrad::internal
