#include <tapegrad/core/record.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/kernels/sum.hpp>
#include <tapegrad/ops/op_list.hpp>
#include <tapegrad/ops/reduction.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct Sum {
  static constexpr OpInfo info{.name = "sum",
                               .formula = "y = Σ x over axes",
                               .doc = "The sum of nothing is 0. Small integers and bools are summed as i64.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric};
  using Attrs = ReductionAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    const bool small = x.dtype() == u8 || x.dtype() == boolean;
    return {Reduction("sum", x.shape(), a).shape(), small ? i64 : x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    const Tensor in = cast(x, y.dtype());
    const Reduction reduction("sum", x.shape(), a);
    dispatch(y.dtype(), [&]<class T>() {
      if constexpr (sizeof(T) > 1)
        reduce_slabs(reduction, in.data<T>().data(), y.mutable_data<T>().data(), kernels::sum<T>);
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved x, Unsaved) {
    return broadcast_to(reshape(g, Reduction("sum", x.shape(), a).unit_shape()), x.shape());
  }
  static Cost cost(const Attrs&, const Node& node) {
    const Node& x = *node.edges()[0].node();
    const auto n = static_cast<double>(x.shape.numel());
    return {n, n * static_cast<double>(size_of(x.dtype))};
  }
  static std::vector<SampleOf<Sum>> samples(Rng& rng) {
    auto all = reduction_samples<Sum>(rng);
    all.push_back({{zeros({0, 3}, f64)}, {{0}, false}});
    return all;
  }
  static std::vector<BadInputOf<Sum>> bad_inputs() { return reduction_bad_inputs<Sum>(); }
};

using ReduceOps = OpList<Sum>;

}  // namespace ops

using ops::ReduceOps;

Tensor sum(const Tensor& x, const Axes& axes, bool keepdims) {
  return ReduceOps::apply<ops::Sum>(ops::Sum::Attrs{axes, keepdims}, x);
}

Tensor mean(const Tensor& x, const Axes& axes, bool keepdims) {
  const Tensor total = sum(is_floating(x.dtype()) ? x : cast(x, f32), axes, keepdims);
  return total / static_cast<double>(Reduction("mean", x.shape(), {axes, keepdims}).count());
}

Tensor sum_to(const Tensor& t, const Shape& shape) {
  Axes axes;
  const int lead = t.rank() - shape.rank();
  for (int axis = 0; axis < t.rank(); ++axis)
    if (axis < lead || (shape[axis - lead] == 1 && t.shape()[axis] != 1)) axes.push_back(axis);
  return reshape(axes.empty() ? t : sum(t, axes), shape);
}

std::span<const OpEntry> reduce_ops() { return ReduceOps::entries; }

}  // namespace tapegrad
