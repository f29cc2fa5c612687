// The operations that the engine runs on gradients.

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/table.hpp>
#include <tapegrad/ops/arithmetic.hpp>

namespace tapegrad {
namespace {

Tensor concat_rows(const Tensor& a, const Tensor& b) {
  Tensor joined = empty(a.shape().with(0, a.shape()[0] + b.shape()[0]), a.dtype());
  copy_dense(engine::node_of(a), engine::node_of(joined).data);
  copy_dense(engine::node_of(b),
             engine::node_of(joined).data + static_cast<std::size_t>(a.numel()) * size_of(a.dtype()));
  return joined;
}

template <class T>
bool any_unused(const Tensor& contribution, const Tensor& cotangent) {
  const Tensor c = contribution.contiguous(), g = cotangent.contiguous();
  const auto values = c.data<T>(), weights = g.data<T>();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (weights[i] == 0 && !std::isfinite(values[i])) return true;
  return false;
}

}  // namespace

Tensor add_gradients(const Tensor& a, const Tensor& b) {
  const RowSparse *left = a.row_sparse(), *right = b.row_sparse();
  if (left && right)
    return make_row_sparse(a.shape(), concat_rows(left->indices, right->indices),
                           concat_rows(left->values, right->values));
  if ((left || right) && !grad_enabled()) {
    Tensor sum = left ? b.clone() : a.clone();
    add_in_place(sum, left ? a : b);
    return sum;
  }
  return add(a.to_dense(), b.to_dense());
}

Tensor guard_unused(const Tensor& contribution, const Tensor& cotangent) {
  // Eager values tell whether anything has to be done; nearly always nothing has.
  const bool found =
      dispatch_floating(contribution.dtype(), [&]<class T>() { return any_unused<T>(contribution, cotangent); });
  if (!found) return contribution;
  const Tensor unused = (cotangent == 0) && !((contribution - contribution) == 0);
  return where(unused, 0, contribution);
}

}  // namespace tapegrad
