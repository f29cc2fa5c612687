// Reductions, running sums, shares along an axis, order.

#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/order.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

using Reduction = Tensor (*)(const Tensor&, const Axes&, bool);

/// In the input's dtype. No axes mean all, unless noop_with_empty_axes says none.
template <Reduction F>
Tensor reduced(const Call& c) {
  const Tensor& x = c.in(0);
  Axes axes = c.integers_of("axes", 1);
  const bool keep = c.integer("keepdims", 1) != 0;
  if (axes.empty() && c.integer("noop_with_empty_axes", 0) != 0) return x;
  for (std::int64_t& axis : axes) axis = c.axis(axis);
  return cast(F(x, axes, keep), x.dtype());
}

Tensor sum_of(const Tensor& x, const Axes& axes, bool keep) { return sum(x, axes, keep); }
Tensor mean_of(const Tensor& x, const Axes& axes, bool keep) { return mean(x, axes, keep); }
Tensor prod_of(const Tensor& x, const Axes& axes, bool keep) { return prod(x, axes, keep); }
Tensor amax_of(const Tensor& x, const Axes& axes, bool keep) { return amax(x, axes, keep); }
Tensor amin_of(const Tensor& x, const Axes& axes, bool keep) { return amin(x, axes, keep); }
Tensor logsumexp_of(const Tensor& x, const Axes& axes, bool keep) { return logsumexp(x, axes, keep); }
Tensor sum_of_squares(const Tensor& x, const Axes& axes, bool keep) { return sum(square(x), axes, keep); }
Tensor log_sum(const Tensor& x, const Axes& axes, bool keep) { return log(sum(x, axes, keep)); }
Tensor l1(const Tensor& x, const Axes& axes, bool keep) { return norm(x, 1, axes, keep); }
Tensor l2(const Tensor& x, const Axes& axes, bool keep) { return norm(x, 2, axes, keep); }

template <Tensor (*F)(const Tensor&, int, bool)>
Value position(const Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.integer("axis", 0));
  const bool keep = c.integer("keepdims", 1) != 0;
  if (c.integer("select_last_index", 0) == 0) return F(x, axis, keep);
  return x.shape()[axis] - 1 - F(flip(x, {axis}), axis, keep);
}

Tensor running_sum(const Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.integer_in(1));
  const bool reverse = c.integer("reverse", 0) != 0;
  Tensor y = cumsum(x, axis, reverse);
  if (c.integer("exclusive", 0) != 0) y = shift(y, axis, reverse ? -1 : 1);
  return cast(y, x.dtype());
}

/// Up to opset 12 over all axes from `axis` on, flattened; since then along that axis.
template <Tensor (*F)(const Tensor&, int)>
Tensor along(const Call& c) {
  const Tensor& x = c.in(0);
  if (c.version() >= 13) return F(x, c.axis(c.integer("axis", -1)));
  const int axis = c.axis(c.integer("axis", 1));
  return reshape(F(flatten(x, axis, -1), axis), x.shape());
}
Tensor hardmax(const Tensor& x, int axis) {
  return movedim(one_hot(argmax(x, axis), x.shape()[axis], x.dtype()), -1, axis);
}

std::vector<Value> largest(const Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t k = c.version() < 10 ? c.integer("k", 1) : c.integer_in(1);
  const int axis = c.axis(c.integer("axis", -1));
  const auto [values, indices] = topk(x, k, axis, c.integer("largest", 1) != 0);
  return {{values, c.type(0)}, indices};
}

constexpr Importer kImporters[] = {
    {"ArgMax", position<argmax>},
    {"ArgMin", position<argmin>},
    {"CumSum", running_sum},
    {"Hardmax", along<hardmax>},
    {"LogSoftmax", along<log_softmax>},
    {"ReduceL1", reduced<l1>},
    {"ReduceL2", reduced<l2>},
    {"ReduceLogSum", reduced<log_sum>},
    {"ReduceLogSumExp", reduced<logsumexp_of>},
    {"ReduceMax", reduced<amax_of>},
    {"ReduceMean", reduced<mean_of>},
    {"ReduceMin", reduced<amin_of>},
    {"ReduceProd", reduced<prod_of>},
    {"ReduceSum", reduced<sum_of>},
    {"ReduceSumSquare", reduced<sum_of_squares>},
    {"Softmax", along<softmax>},
    {"TopK", largest},
};

}  // namespace

std::span<const Importer> reduction_importers() { return kImporters; }

}  // namespace tapegrad::onnx
