#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/kernels/in_order.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/kernels/softmax.hpp>
#include <tapegrad/ops/kernels/sum.hpp>
#include <tapegrad/ops/reduction.hpp>
#include <tapegrad/ops/scan.hpp>
#include <tapegrad/ops/softmax.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

bool is_small(DType dtype) { return dtype == u8 || dtype == boolean; }

Cost one_pass(const Node& node, double flops) {
  const Node& x = *node.edges()[0].node();
  const auto n = static_cast<double>(x.shape.numel());
  return {flops * n, n * static_cast<double>(size_of(x.dtype))};
}

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

template <class O>
std::vector<SampleOf<O>> samples_with_nothing(Rng& rng) {
  auto all = reduction_samples<O>(rng);
  all.push_back({{zeros({0, 3}, f64)}, {{0}, false}});
  return all;
}

}  // namespace

namespace ops {

struct Sum {
  static constexpr OpInfo info{.name = "sum",
                               .formula = "y = Σ x over axes",
                               .doc = "The sum of nothing is 0. Small integers and bools are summed as i64.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::reduction};
  using Attrs = ReductionAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    return {Reduction("sum", x.shape(), a).shape(), is_small(x.dtype()) ? i64 : x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) { sum_into(Reduction("sum", x.shape(), a), x, y); }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved x, Unsaved) {
    return broadcast_to(reshape(g, Reduction("sum", x.shape(), a).unit_shape()), x.shape());
  }
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 1); }
  static std::vector<SampleOf<Sum>> samples(Rng& rng) { return samples_with_nothing<Sum>(rng); }
  static std::vector<BadInputOf<Sum>> bad_inputs() { return reduction_bad_inputs<Sum>(); }
};

struct Mean {
  static constexpr OpInfo info{.name = "mean",
                               .formula = "y = Σ x / n over axes",
                               .doc = "The mean of nothing is NaN.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .forward = Forward::linear,
                               .group = Group::reduction};
  using Attrs = ReductionAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    return {Reduction("mean", x.shape(), a).shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const Reduction reduction("mean", x.shape(), a);
    sum_into(reduction, x, y);
    dispatch_floating(y.dtype(), [&]<class T>() {
      const auto count = static_cast<T>(reduction.count());
      for (T& v : y.mutable_data<T>()) v /= count;
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved x, Unsaved) {
    const Reduction reduction("mean", x.shape(), a);
    return broadcast_to(reshape(g / static_cast<double>(reduction.count()), reduction.unit_shape()), x.shape());
  }
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 1); }
  static std::vector<SampleOf<Mean>> samples(Rng& rng) { return reduction_samples<Mean>(rng); }
  static std::vector<BadInputOf<Mean>> bad_inputs() { return reduction_bad_inputs<Mean>(); }
};

struct Prod {
  static constexpr OpInfo info{
      .name = "prod",
      .formula = "y = Π x over axes",
      .doc = "The product of nothing is 1. The gradient is the product of the others, exact where some are 0.",
      .inputs = {"x"},
      .kind = Kind::numeric,
      .group = Group::reduction};
  using Attrs = ReductionAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    return {Reduction("prod", x.shape(), a).shape(), is_small(x.dtype()) ? i64 : x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const MergedAxes merged = merge_axes(Reduction("prod", x.shape(), a), cast(x, y.dtype()));
    dispatch(y.dtype(), [&]<class T>() {
      if constexpr (sizeof(T) > 1)
        kernels::reduce_lanes(merged.slab, merged.x.data<T>().data(), y.mutable_data<T>().data(),
                              [&](const T* row) { return kernels::product_in_order(row, merged.slab.count); });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, const Tensor& x, Unsaved) {
    const Reduction reduction("prod", x.shape(), a);
    return reshape(g, reduction.unit_shape()) * along_axes(reduction, x, product_of_others);
  }
  // What is before each element times what is after it.
  static Tensor product_of_others(const Tensor& x, int axis) {
    const auto flip = [&](const Tensor& t) { return slice(t, axis, Slice::kEnd, Slice::kEnd, -1); };
    return cumprod(x, axis, true) * flip(cumprod(flip(x), axis, true));
  }
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 1); }
  static std::vector<SampleOf<Prod>> samples(Rng& rng) {
    auto all = samples_with_nothing<Prod>(rng);
    all.push_back({{tensor({2, 0, 3, 1, 2, 3}, {2, 3}, f64)}, {{1}, false}});
    all.push_back({{tensor({2, 0, 0}, f64)}, {}});
    return all;
  }
  static std::vector<BadInputOf<Prod>> bad_inputs() { return reduction_bad_inputs<Prod>(); }
};

struct LogSumExp {
  static constexpr OpInfo info{
      .name = "logsumexp",
      .formula = "y = ln Σ eˣ over axes",
      .doc = "Shifted by the maximum. Of nothing, or of -inf alone, it is -inf with gradient 0.",
      .inputs = {"x"},
      .saves = {.inputs = {0}},
      .group = Group::reduction};
  using Attrs = ReductionAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    return {Reduction("logsumexp", x.shape(), a).shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const Reduction reduction("logsumexp", x.shape(), a);
    dispatch_floating(y.dtype(), [&]<class T>() {
      reduce_slabs(reduction, x.data<T>().data(), y.mutable_data<T>().data(), kernels::logsumexp<T>);
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, const Tensor& x, Unsaved) {
    const Reduction reduction("logsumexp", x.shape(), a);
    return reshape(g, reduction.unit_shape()) * along_axes(reduction, x, softmax);
  }
  static Cost cost(const Attrs&, const Node& node) { return one_pass(node, 12); }
  static std::vector<SampleOf<LogSumExp>> samples(Rng& rng) { return reduction_samples<LogSumExp>(rng); }
  static std::vector<BadInputOf<LogSumExp>> bad_inputs() { return reduction_bad_inputs<LogSumExp>(); }
};

using ReduceOps = OpList<Sum, Mean, Prod, LogSumExp>;

}  // namespace ops

using ops::ReduceOps;

Tensor sum(const Tensor& x, const Axes& axes, bool keepdims) {
  return ReduceOps::apply<ops::Sum>(ReductionAttrs{axes, keepdims}, x);
}
Tensor mean(const Tensor& x, const Axes& axes, bool keepdims) {
  return ReduceOps::apply<ops::Mean>(ReductionAttrs{axes, keepdims}, x);
}
Tensor prod(const Tensor& x, const Axes& axes, bool keepdims) {
  return ReduceOps::apply<ops::Prod>(ReductionAttrs{axes, keepdims}, x);
}
Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdims) {
  return ReduceOps::apply<ops::LogSumExp>(ReductionAttrs{axes, keepdims}, x);
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
