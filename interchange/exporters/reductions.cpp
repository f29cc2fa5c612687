#include <cmath>
#include <numeric>
#include <tapegrad/interchange/internal/onnx_exporters.hpp>

namespace tapegrad::onnx {
namespace {

/// Of the attribute `axes`, from 0 on; none means all.
Integers axes_of(const RecordedCall& c) {
  const int rank = c[0].shape.rank();
  Integers axes = c.integers("axes");
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(rank));
    std::iota(axes.begin(), axes.end(), std::int64_t{0});
  }
  if (rank == 0) axes.clear();  // 0 and -1 are axes of a scalar here
  for (std::int64_t& axis : axes)
    if (axis < 0) axis += rank;
  return axes;
}

double count_of(const RecordedCall& c) {
  double count = 1;
  for (const std::int64_t axis : axes_of(c)) count *= static_cast<double>(c[0].shape[static_cast<int>(axis)]);
  return count;
}

/// A reduction that names its axes in an attribute. Of nothing ONNX Runtime makes another value, or none.
Expr reduced(const RecordedCall& c, std::string_view op, const Expr& x) {
  if (c[0].shape.rank() == 0) return x;
  if (c[0].shape.numel() == 0) c.refuse("of no elements");
  return c.graph().node(op, {x}, {{"axes", axes_of(c)}, {"keepdims", std::int64_t{c.flag("keepdims")}}});
}

Expr variance(const RecordedCall& c) {
  const Expr x = c.in(0);
  if (x.shape.rank() == 0) c.refuse("of a scalar");
  if (x.shape.numel() == 0) c.refuse("of no elements");
  const Expr d = x - mean_over(x, axes_of(c), true);
  return sum_over(d * d, axes_of(c), c.flag("keepdims")) / (count_of(c) - static_cast<double>(c.integer("correction")));
}

Expr position(const RecordedCall& c, std::string_view op) {
  if (c[0].shape.rank() == 0) c.refuse("of a scalar");
  return c.graph().node(op, {c[0]}, i64, {{"axis", c.axis()}, {"keepdims", std::int64_t{c.flag("keepdims")}}});
}

constexpr Exporter kReductions[] = {
    {"sum",
     [](const RecordedCall& c) {
       return c[0].shape.rank() == 0 ? c.in(0) : sum_over(c.in(0), axes_of(c), c.flag("keepdims"));
     }},
    {"mean", [](const RecordedCall& c) { return reduced(c, "ReduceMean", c.in(0)); }},
    {"prod", [](const RecordedCall& c) { return reduced(c, "ReduceProd", c.in(0)); }},
    {"amax", [](const RecordedCall& c) { return reduced(c, "ReduceMax", c.in(0)); }},
    {"amin", [](const RecordedCall& c) { return reduced(c, "ReduceMin", c.in(0)); }},
    {"logsumexp", [](const RecordedCall& c) { return reduced(c, "ReduceLogSumExp", c.in(0)); }},
    {"argmax", [](const RecordedCall& c) { return position(c, "ArgMax"); }},
    {"argmin", [](const RecordedCall& c) { return position(c, "ArgMin"); }},
    {"argsort",
     [](const RecordedCall& c) {
       const Shape& x = c[0].shape;
       if (x.rank() == 0) c.refuse("of a scalar");
       if (x.numel() == 0) c.refuse("of no elements");
       const std::int64_t axis = c.axis(), count = c.integer("count");
       return c.graph().nodes("TopK", {c[0], c.graph().integers({count < 0 ? x[static_cast<int>(axis)] : count})}, 2,
                              i64, {{"axis", axis}, {"largest", std::int64_t{c.flag("descending")}}})[1];
     }},
    {"var", [](const RecordedCall& c) { return variance(c); }},
    {"std", [](const RecordedCall& c) { return emit("Sqrt", {variance(c)}); }},
    {"norm",
     [](const RecordedCall& c) {
       const double p = c.number("p");
       if (c[0].shape.numel() == 0) c.refuse("of no elements");
       if (c[0].shape.rank() == 0) return emit("Abs", {c.in(0)});
       if (p == 1) return reduced(c, "ReduceL1", c.in(0));
       if (p == 2) return reduced(c, "ReduceL2", c.in(0));
       const Expr x = emit("Abs", {c.in(0)});
       if (std::isinf(p)) return reduced(c, "ReduceMax", x);
       const Expr powers = emit("Pow", {x, c.graph().number(p, c.dtype())});
       return emit("Pow", {sum_over(powers, axes_of(c), c.flag("keepdims")), c.graph().number(1 / p, c.dtype())});
     }},
    {"cosine_similarity",
     [](const RecordedCall& c) {
       if (c[0].shape.numel() == 0) c.refuse("of no elements");
       const Integers axis{c.axis()};
       const auto direction = [&](std::size_t i) {
         const Expr length = c.graph().node("ReduceL2", {c.in(i)}, {{"axes", axis}, {"keepdims", std::int64_t{1}}});
         return c.in(i) / maximum(length, c.number("epsilon"));
       };
       return minimum(maximum(sum_over(direction(0) * direction(1), axis, false), -1), 1);
     }},
    {"cdist",
     [](const RecordedCall& c) {
       if (c.shape().numel() == 0 || c[0].shape[-1] == 0) c.refuse("of no elements");
       GraphWriter& g = c.graph();
       const Expr d = emit(
           "Abs", {emit("Unsqueeze", {c.in(0), g.integers({-2})}) - emit("Unsqueeze", {c.in(1), g.integers({-3})})});
       const NodeAttributes last{{"axes", Integers{-1}}, {"keepdims", std::int64_t{0}}};
       const double p = c.number("p");
       if (p == 1) return g.node("ReduceL1", {d}, last);
       if (p == 2) return g.node("ReduceL2", {d}, last);
       if (std::isinf(p)) return g.node("ReduceMax", {d}, last);
       return emit("Pow",
                   {sum_over(emit("Pow", {d, g.number(p, c.dtype())}), {-1}, false), g.number(1 / p, c.dtype())});
     }},
    {"cumprod",
     [](const RecordedCall& c) {
       const Shape& x = c.shape();
       if (x.rank() == 0) return c.in(0);
       if (x.numel() == 0) c.refuse("of no elements");
       // Products of each beginning, one below the other.
       GraphWriter& g = c.graph();
       const std::int64_t axis = c.axis(), n = x[static_cast<int>(axis)];
       const Expr ones = emit("Expand", {g.number(1, c.dtype()), g.integers({n, n})});
       const Expr below =
           compare("Greater", g.node("Trilu", {ones}, {{"upper", std::int64_t{0}}}), g.number(0, c.dtype()));
       Integers shape(static_cast<std::size_t>(x.rank()) + 1, 1);
       shape[static_cast<std::size_t>(axis)] = shape[static_cast<std::size_t>(axis) + 1] = n;
       const Expr factors =
           choose(reshape_to(below, shape), emit("Unsqueeze", {c.in(0), g.integers({axis})}), g.number(1, c.dtype()));
       return g.node("ReduceProd", {factors}, {{"axes", Integers{axis + 1}}, {"keepdims", std::int64_t{0}}});
     }},
    {"cumsum",
     [](const RecordedCall& c) {
       if (c[0].shape.rank() == 0) return c.in(0);
       const Expr axis = reshape_to(c.graph().integers({c.axis()}), {});
       return c.graph().node("CumSum", {c.in(0), axis}, {{"reverse", std::int64_t{c.flag("reverse")}}});
     }},
};

}  // namespace

std::span<const Exporter> reduction_exporters() { return kReductions; }

}  // namespace tapegrad::onnx
