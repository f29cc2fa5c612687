#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/reduction.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/kernels/extremum.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

using kernels::Extreme;

void require_elements(const char* op, const Shape& shape, std::int64_t count, const Shape& result) {
  if (count == 0 && result.numel() > 0)
    throw ValueError(std::string(op) + ": nothing to choose from in shape " + to_string(shape) +
                     "; reduce over axes that are not empty");
}

template <class Op, Extreme kWhich>
struct ExtremumOver : ReductionOp<Op> {
  using In = internal::Unary::In;
  using Out = internal::Unary::Out;
  using Attrs = ReductionAttrs;
  struct Kept {
    Tensor x, y;
  };

  static void check(const Attrs& a, const In& in) {
    const Reduction reduction = ExtremumOver::over(a, in.x.shape());
    require_elements(Op::info.name.data(), in.x.shape(), reduction.count(), reduction.shape());
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    if (out.y.numel() > 0)
      dispatch(in.x.dtype(), [&]<class T>() {
        reduce_slabs(ExtremumOver::over(a, in.x.shape()), in.x.data<T>().data(), out.y.mutable_data<T>().data(),
                     kernels::extremum<kWhich, T>);
      });
    return {in.x, out.y};
  }
  // The elements that equal the result share evenly; a NaN result belongs to the NaNs.
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const auto& [x, y] = kept;
    const Shape unit = ExtremumOver::over(a, x.shape()).unit_shape();
    const Tensor chosen = cast(x == reshape(y, unit) || isnan(x), x.dtype());
    return {reshape(g.y, unit) / sum(chosen, a.axes, true) * chosen};
  }
  static Cost cost(const Attrs&, const In& in, const Out&) { return internal::one_pass(1, in.x, {in.x}); }
  static std::vector<SampleOf<Op>> samples(Rng& rng) {
    auto all = reduction_samples<Op>(rng);
    all.push_back({{zeros({0, 3}, f64)}, {{1}, false}});
    return all;
  }
  static std::vector<BadInputOf<Op>> bad_inputs() {
    auto all = reduction_bad_inputs<Op>();
    all.push_back({{zeros({0, 3})}, {{0}, false}, "nothing to choose from in shape [0, 3]"});
    return all;
  }
};

struct PositionAttrs {
  int axis = 0;
  bool keepdims = false;
  bool operator==(const PositionAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"axis", &PositionAttrs::axis, "to search along"},
                      Field{"keepdims", &PositionAttrs::keepdims, "keep it with extent 1"}};
  }
};

template <class Op, Extreme kWhich>
struct PositionAlong : internal::Unary {
  using Attrs = PositionAttrs;
  static int axis_of(const Attrs& a, const Shape& x) { return reduced_axis(Op::info.name.data(), a.axis, x.rank()); }
  static Slab around(const Attrs& a, const Shape& x) {
    const int axis = axis_of(a, x);
    return x.rank() == 0 ? Slab{1, 1, 1} : slab_around(x, axis);
  }
  static Shape shape(const Attrs& a, const Shape& x) {
    const int axis = axis_of(a, x);
    return x.rank() == 0 ? x : a.keepdims ? x.with(axis, 1) : x.erase(axis);
  }

  static void check(const Attrs& a, const In& in) {
    const Shape& x = in.x.shape();
    require_elements(Op::info.name.data(), x, around(a, x).count, shape(a, x));
  }
  static Out shapes(const Attrs& a, const In& in) { return {op::spec(shape(a, in.x.shape()), i64)}; }
  static void forward(const Attrs& a, const In& in, Out& out) {
    if (out.y.numel() == 0) return;
    const Slab s = around(a, in.x.shape());
    dispatch(in.x.dtype(), [&]<class T>() {
      kernels::extremum_position<kWhich>(s, in.x.data<T>().data(), out.y.mutable_data<std::int64_t>().data());
    });
  }
  static Cost cost(const Attrs&, const In& in, const Out&) { return internal::one_pass(1, in.x, {in.x}); }
  static std::vector<SampleOf<Op>> samples(Rng& rng) {
    return {{{randn({3, 4}, f64, rng)}, {}},
            {{randn({2, 3, 2}, f64, rng)}, {.axis = 1, .keepdims = true}},
            {{transpose(randn({3, 2}, f64, rng))}, {.axis = -1}},
            {{randn({}, f64, rng)}, {.axis = -1}},
            {{zeros({0, 3})}, {.axis = 1}}};
  }
  static std::vector<BadInputOf<Op>> bad_inputs() {
    return {{{zeros({2, 3})}, {.axis = 2}, "axis 2 is outside a tensor of rank 2"},
            {{zeros({})}, {.axis = 1}, "a scalar has no axes"},
            {{zeros({0, 3})}, {}, "nothing to choose from in shape [0, 3]"}};
  }
};

}  // namespace

namespace ops {

struct AMax : ExtremumOver<AMax, Extreme::largest> {
  static constexpr OpInfo info{.name = "amax",
                               .formula = "y = max x over axes",
                               .doc = "Equal largest elements share the gradient evenly; NaN when one is.",
                               .kind = Kind::numeric,
                               .group = Group::reduction};
};
struct AMin : ExtremumOver<AMin, Extreme::smallest> {
  static constexpr OpInfo info{.name = "amin",
                               .formula = "y = min x over axes",
                               .doc = "Equal smallest elements share the gradient evenly; NaN when one is.",
                               .kind = Kind::numeric,
                               .group = Group::reduction};
};
struct ArgMax : PositionAlong<ArgMax, Extreme::largest> {
  static constexpr OpInfo info{.name = "argmax",
                               .formula = "y = position of the first largest x",
                               .doc = "A NaN counts as the largest.",
                               .kind = Kind::numeric,
                               .differentiable = false,
                               .group = Group::reduction};
};
struct ArgMin : PositionAlong<ArgMin, Extreme::smallest> {
  static constexpr OpInfo info{.name = "argmin",
                               .formula = "y = position of the first smallest x",
                               .doc = "A NaN counts as the smallest.",
                               .kind = Kind::numeric,
                               .differentiable = false,
                               .group = Group::reduction};
};

using ExtremumOps = OpList<AMax, AMin, ArgMax, ArgMin>;

}  // namespace ops

using ops::ExtremumOps;

Tensor amax(const Tensor& x, const Axes& axes, bool keepdims) {
  return ExtremumOps::apply<ops::AMax>({axes, keepdims}, {x}).y;
}
Tensor amin(const Tensor& x, const Axes& axes, bool keepdims) {
  return ExtremumOps::apply<ops::AMin>({axes, keepdims}, {x}).y;
}
Tensor argmax(const Tensor& x, int axis, bool keepdims) {
  return ExtremumOps::apply<ops::ArgMax>({axis, keepdims}, {x}).y;
}
Tensor argmin(const Tensor& x, int axis, bool keepdims) {
  return ExtremumOps::apply<ops::ArgMin>({axis, keepdims}, {x}).y;
}
Tensor argmax(const Tensor& x) { return argmax(flatten(x), 0); }
Tensor argmin(const Tensor& x) { return argmin(flatten(x), 0); }

ValuesAndIndices max(const Tensor& x, int axis, bool keepdims) {
  return {amax(x, {axis}, keepdims), argmax(x, axis, keepdims)};
}
ValuesAndIndices min(const Tensor& x, int axis, bool keepdims) {
  return {amin(x, {axis}, keepdims), argmin(x, axis, keepdims)};
}

std::span<const OpEntry> extremum_ops() { return ExtremumOps::entries; }

}  // namespace tapegrad
