#include <Eigen/Core>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/op_list.hpp>
#include <tapegrad/ops/reduction.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

constexpr std::int64_t kParallelElements = 1 << 17;

template <class T>
using Row = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;
template <class T>
using Out = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;

template <class T>
T pairwise_sum(const T* x, std::int64_t n) {
  constexpr std::int64_t kRun = 2048;
  if (n <= kRun) return Row<T>(x, n).sum();
  const std::int64_t half = n / 2;
  return pairwise_sum(x, half) + pairwise_sum(x + half, n - half);
}

// A thread takes whole outer rows, or whole ranges of inner columns: the order of additions is fixed by the shape.
template <class T>
void sum_slab(const Slab& s, const T* x, T* y) {
  const bool parallel = s.outer * s.count * s.inner >= kParallelElements;
  if (s.inner == 1) {
    const std::int64_t rows = std::max<std::int64_t>(1, kParallelElements / 8 / std::max<std::int64_t>(s.count, 1));
    for_chunks((s.outer + rows - 1) / rows, parallel, [&](std::int64_t c) {
      for (std::int64_t o = c * rows; o < std::min(s.outer, (c + 1) * rows); ++o)
        y[o] = pairwise_sum(x + o * s.count, s.count);
    });
    return;
  }
  constexpr std::int64_t kColumns = 256;
  const std::int64_t blocks = (s.inner + kColumns - 1) / kColumns;
  for_chunks(s.outer * blocks, parallel, [&](std::int64_t c) {
    const std::int64_t o = c / blocks, begin = c % blocks * kColumns, width = std::min(kColumns, s.inner - begin);
    Out<T> out(y + o * s.inner + begin, width);
    out.setZero();
    for (std::int64_t i = 0; i < s.count; ++i) out += Row<T>(x + (o * s.count + i) * s.inner + begin, width);
  });
}

}  // namespace

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
      if constexpr (!std::is_same_v<T, bool>)
        reduce_slabs(reduction, in.data<T>().data(), y.mutable_data<T>().data(), sum_slab<T>);
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
