#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/internal/reduction.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/kernels/in_order.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/kernels/softmax.hpp>
#include <tapegrad/ops/kernels/sum.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

DType widened(DType dtype) { return size_of(dtype) == 1 ? i64 : dtype; }

void sum_into(const Reduction& reduction, const Tensor& x, Tensor& y) {
  dispatch(x.dtype(), [&]<class T>() {
    if constexpr (sizeof(T) == 1) {
      const MergedAxes merged = merge_axes(reduction, x);
      kernels::sum(merged.slab, merged.x.data<T>().data(), y.mutable_data<std::int64_t>().data());
    } else {
      reduce_slabs(reduction, x.data<T>().data(), y.mutable_data<T>().data(), kernels::sum<T, T>);
    }
  });
}

/// The mean of x / scale; whether it is finite.
bool divided_sum(const Reduction& reduction, const Tensor& x, double scale, Tensor& y) {
  sum_into(reduction, x, y);
  return dispatch_floating(y.dtype(), [&]<class T>() {
    const auto count = static_cast<T>(reduction.count());
    bool finite = true;
    for (T& v : y.mutable_data<T>()) {
      v = v / count / static_cast<T>(scale);
      finite &= std::isfinite(v);
    }
    return finite;
  });
}

template <class O>
std::vector<SampleOf<O>> samples_with_nothing(Rng& rng) {
  auto all = reduction_samples<O>(rng);
  all.push_back({{zeros({0, 3}, f64)}, {{0}, false}});
  return all;
}

}  // namespace

namespace ops {

struct Sum : ReductionOp<Sum> {
  static constexpr OpInfo info{.name = "sum",
                               .formula = "y = Σ x over axes",
                               .doc = "The sum of nothing is 0. Small integers and bools are summed as i64.",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::reduction};
  static Out shapes(const Attrs& a, const In& in) {
    return {op::spec(over(a, in.x.shape()).shape(), widened(in.x.dtype()))};
  }
  static void forward(const Attrs& a, const In& in, Out& out) { sum_into(over(a, in.x.shape()), in.x, out.y); }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In> wanted) {
    const Shape& x = wanted.shape(&In::x);
    return {broadcast_to(reshape(g.y, over(a, x).unit_shape()), x)};
  }
  static Cost cost(const Attrs&, const In& in, const Out&) { return internal::one_pass(1, in.x, {in.x}); }
  static std::vector<SampleOf<Sum>> samples(Rng& rng) { return samples_with_nothing<Sum>(rng); }
  static std::vector<BadInputOf<Sum>> bad_inputs() { return reduction_bad_inputs<Sum>(); }
};

struct Mean : ReductionOp<Mean> {
  static constexpr OpInfo info{.name = "mean",
                               .formula = "y = Σ x / n over axes",
                               .doc = "The mean of nothing is NaN.",
                               .forward = Forward::linear,
                               .group = Group::reduction};
  static void forward(const Attrs& a, const In& in, Out& out) {
    const Reduction reduction = over(a, in.x.shape());
    constexpr double kDown = 0x1p-64;  // a sum leaves the range sooner than the mean does
    if (!divided_sum(reduction, in.x, 1, out.y)) divided_sum(reduction, in.x * kDown, kDown, out.y);
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In> wanted) {
    const Shape& x = wanted.shape(&In::x);
    const Reduction reduction = over(a, x);
    return {broadcast_to(reshape(g.y / static_cast<double>(reduction.count()), reduction.unit_shape()), x)};
  }
  static Cost cost(const Attrs&, const In& in, const Out&) { return internal::one_pass(1, in.x, {in.x}); }
  static std::vector<SampleOf<Mean>> samples(Rng& rng) { return reduction_samples<Mean>(rng); }
  static std::vector<BadInputOf<Mean>> bad_inputs() { return reduction_bad_inputs<Mean>(); }
};

struct Prod : ReductionOp<Prod> {
  using Kept = In;
  static constexpr OpInfo info{
      .name = "prod",
      .formula = "y = Π x over axes",
      .doc = "The product of nothing is 1. The gradient is the product of the others, exact where some are 0.",
      .kind = Kind::numeric,
      .group = Group::reduction};
  static Out shapes(const Attrs& a, const In& in) {
    return {op::spec(over(a, in.x.shape()).shape(), widened(in.x.dtype()))};
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    const MergedAxes merged = merge_axes(over(a, in.x.shape()), cast(in.x, out.y.dtype()));
    dispatch(out.y.dtype(), [&]<class T>() {
      if constexpr (sizeof(T) > 1)
        kernels::reduce_lanes(merged.slab, merged.x.data<T>().data(), out.y.mutable_data<T>().data(),
                              [&](const T* row) { return kernels::product_in_order(row, merged.slab.count); });
    });
    return in;
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const Reduction reduction = over(a, kept.x.shape());
    const Tensor x = internal::in_range_of_products(kept.x, reduction.count());
    const Tensor others = along_axes(reduction, x, product_of_others);
    return {cast(cast(reshape(g.y, reduction.unit_shape()), x.dtype()) * others, kept.x.dtype())};
  }
  // What is before each element times what is after it.
  static Tensor product_of_others(const Tensor& x, int axis) {
    const auto flip = [&](const Tensor& t) { return slice(t, axis, Slice::kEnd, Slice::kEnd, -1); };
    return cumprod(x, axis, true) * flip(cumprod(flip(x), axis, true));
  }
  static Cost cost(const Attrs&, const In& in, const Out&) { return internal::one_pass(1, in.x, {in.x}); }
  static std::vector<SampleOf<Prod>> samples(Rng& rng) {
    auto all = samples_with_nothing<Prod>(rng);
    all.push_back({{tensor({2, 0, 3, 1, 2, 3}, {2, 3}, f64)}, {{1}, false}});
    all.push_back({{tensor({2, 0, 0}, f64)}, {}});
    return all;
  }
  static std::vector<BadInputOf<Prod>> bad_inputs() { return reduction_bad_inputs<Prod>(); }
};

struct LogSumExp : ReductionOp<LogSumExp> {
  using Kept = In;
  static constexpr OpInfo info{
      .name = "logsumexp",
      .formula = "y = ln Σ eˣ over axes",
      .doc = "Shifted by the maximum. Of nothing, or of -inf alone, it is -inf with gradient 0.",
      .group = Group::reduction};
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      reduce_slabs(over(a, in.x.shape()), in.x.data<T>().data(), out.y.mutable_data<T>().data(), kernels::logsumexp<T>);
    });
    return in;
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const Reduction reduction = over(a, kept.x.shape());
    return {reshape(g.y, reduction.unit_shape()) * along_axes(reduction, kept.x, softmax)};
  }
  static Cost cost(const Attrs&, const In& in, const Out&) { return internal::one_pass(12, in.x, {in.x}); }
  static std::vector<SampleOf<LogSumExp>> samples(Rng& rng) { return reduction_samples<LogSumExp>(rng); }
  static std::vector<BadInputOf<LogSumExp>> bad_inputs() { return reduction_bad_inputs<LogSumExp>(); }
};

using ReduceOps = OpList<Sum, Mean, Prod, LogSumExp>;

}  // namespace ops

using ops::ReduceOps;

Tensor sum(const Tensor& x, const Axes& axes, bool keepdims) {
  return ReduceOps::apply<ops::Sum>({axes, keepdims}, {x}).y;
}
Tensor mean(const Tensor& x, const Axes& axes, bool keepdims) {
  return ReduceOps::apply<ops::Mean>({axes, keepdims}, {x}).y;
}
Tensor prod(const Tensor& x, const Axes& axes, bool keepdims) {
  return ReduceOps::apply<ops::Prod>({axes, keepdims}, {x}).y;
}
Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdims) {
  return ReduceOps::apply<ops::LogSumExp>({axes, keepdims}, {x}).y;
}

Tensor nansum(const Tensor& x, const Axes& axes, bool keepdims) {
  return sum(is_floating(x.dtype()) ? where(isnan(x), 0, x) : x, axes, keepdims);
}
Tensor nanmean(const Tensor& x, const Axes& axes, bool keepdims) {
  return nansum(x, axes, keepdims) / sum(!isnan(x), axes, keepdims);
}

Tensor count_nonzero(const Tensor& x, const Axes& axes, bool keepdims) { return sum(x != 0, axes, keepdims); }
Tensor any(const Tensor& x, const Axes& axes, bool keepdims) { return count_nonzero(x, axes, keepdims) > 0; }
Tensor all(const Tensor& x, const Axes& axes, bool keepdims) { return sum(x == 0, axes, keepdims) == 0; }

Tensor sum_to(const Tensor& t, const Shape& shape) {
  Axes axes;
  const int lead = t.rank() - shape.rank();
  for (int axis = 0; axis < t.rank(); ++axis)
    if (axis < lead || (shape[axis - lead] == 1 && t.shape()[axis] != 1)) axes.push_back(axis);
  return reshape(axes.empty() ? t : sum(t, axes), shape);
}

std::span<const OpEntry> reduce_ops() { return ReduceOps::entries; }

}  // namespace tapegrad
