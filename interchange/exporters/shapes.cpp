#include <algorithm>
#include <limits>
#include <numeric>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_exporters.hpp>

namespace tapegrad::onnx {
namespace {

Integers extents(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// Indices as ONNX takes them.
Expr index(const Expr& x) { return x.dtype == i32 || x.dtype == i64 ? x : cast_to(x, i64); }

Expr gathered(const RecordedCall& c, std::size_t table, std::size_t indices, std::int64_t axis) {
  return c.graph().node("Gather", {c.in(table), index(c[indices])}, {{"axis", axis}});
}

/// Puts `source` into the first input where `indices`, of its shape, say.
Expr scattered(const RecordedCall& c, const Expr& indices, const Expr& source, std::string_view reduction) {
  if (c.shape().rank() == 0) c.refuse("of a scalar");
  return c.graph().node("ScatterElements", {c.in(0), index(indices), source},
                        {{"axis", c.axis()}, {"reduction", std::string(reduction)}});
}

/// Positions on one axis, broadcast to a shape.
Expr along_axis(const Expr& positions, const Shape& shape, std::int64_t axis) {
  Integers along(static_cast<std::size_t>(shape.rank()), 1);
  along[static_cast<std::size_t>(axis)] = shape[static_cast<int>(axis)];
  return emit("Expand", {reshape_to(positions, along), positions.graph->integers(extents(shape))});
}

Integers normalized(Integers axes, int rank) {
  for (std::int64_t& axis : axes)
    if (axis < 0) axis += rank;
  return axes;
}

Expr padded(const RecordedCall& c, const Expr& x, const Integers& pads, double value) {
  return c.graph().node("Pad", {x, c.graph().integers(pads), c.graph().number(value, x.dtype)}, {});
}

/// A triangle of the last two axes.
Expr triangle(const RecordedCall& c, bool upper) {
  const Expr k = reshape_to(c.graph().integers({c.integer("k")}), {});
  return c.graph().node("Trilu", {c.in(0), k}, {{"upper", std::int64_t{upper}}});
}

constexpr Exporter kShapes[] = {
    {"reshape", [](const RecordedCall& c) { return reshape_to(c.in(0), extents(c.shape())); }},
    {"permute",
     [](const RecordedCall& c) { return transposed(c.in(0), normalized(c.integers("axes"), c.shape().rank())); }},
    {"broadcast_to",
     [](const RecordedCall& c) {
       return emit("Expand", {c.in(0), c.graph().integers(extents(c.shape()))});
     }},
    {"slice",
     [](const RecordedCall& c) {
       const std::int64_t axis = c.axis(), step = c.integer("step"), extent = c[0].shape[static_cast<int>(axis)];
       const std::int64_t start = c.integer("start");
       std::int64_t stop = c.integer("stop");
       // Backwards through the first one, as ONNX writes it.
       if (step < 0 && stop == std::numeric_limits<std::int64_t>::max()) stop = -extent - 1;
       GraphWriter& g = c.graph();
       return emit("Slice", {c.in(0), g.integers({start}), g.integers({stop}), g.integers({axis}), g.integers({step})});
     }},
    {"slice_scatter",
     [](const RecordedCall& c) {
       const std::int64_t extent = c.integer("extent"), axis = c.axis(), step = c.integer("step");
       std::int64_t start = c.integer("start");
       if (start < 0) start += extent;
       start = step > 0 ? std::clamp(start, std::int64_t{0}, extent) : std::clamp(start, std::int64_t{-1}, extent - 1);
       Integers positions;
       for (std::int64_t i = 0; i < c[0].shape[static_cast<int>(axis)]; ++i) positions.push_back(start + i * step);
       GraphWriter& g = c.graph();
       const Expr zeros = emit("Expand", {g.number(0, c.dtype()), g.integers(extents(c.shape()))});
       const Expr places = along_axis(g.integers(positions), c[0].shape, axis);
       return g.node("ScatterElements", {zeros, places, c.in(0)}, {{"axis", axis}});
     }},
    {"pad",
     [](const RecordedCall& c) {
       const Integers ours = c.integers("pads");
       const std::size_t rank = ours.size() / 2;
       Integers pads(ours.size());
       for (std::size_t axis = 0; axis < rank; ++axis) {
         pads[axis] = ours[2 * axis];
         pads[axis + rank] = ours[2 * axis + 1];
       }
       return rank == 0 ? c.in(0) : padded(c, c.in(0), pads, c.number("value"));
     }},
    {"concat",
     [](const RecordedCall& c) {
       std::vector<Expr> parts;
       for (std::size_t i = 0; i < c.size(); ++i) parts.push_back(c.in(i));
       return c.graph().node("Concat", parts, {{"axis", c.axis()}});
     }},
    {"stack",
     [](const RecordedCall& c) {
       std::int64_t axis = c.integer("axis");
       if (axis < 0) axis += c.shape().rank();
       std::vector<Expr> parts;
       for (std::size_t i = 0; i < c.size(); ++i)
         parts.push_back(emit("Unsqueeze", {c.in(i), c.graph().integers({axis})}));
       return c.graph().node("Concat", parts, {{"axis", axis}});
     }},
    {"roll",
     [](const RecordedCall& c) {
       const std::int64_t axis = c.axis(), n = c[0].shape.rank() == 0 ? 0 : c[0].shape[static_cast<int>(axis)];
       if (n == 0) return c.in(0);
       const std::int64_t cut = n - ((c.integer("shift") % n) + n) % n;
       GraphWriter& g = c.graph();
       const auto part = [&](std::int64_t start, std::int64_t stop) {
         return emit("Slice", {c.in(0), g.integers({start}), g.integers({stop}), g.integers({axis})});
       };
       return g.node("Concat", {part(cut, n), part(0, cut)}, {{"axis", axis}});
     }},
    {"tril", [](const RecordedCall& c) { return triangle(c, false); }},
    {"triu", [](const RecordedCall& c) { return triangle(c, true); }},
    {"take", [](const RecordedCall& c) { return gathered(c, 0, 1, c.axis()); }},
    {"embedding", [](const RecordedCall& c) { return gathered(c, 0, 1, 0); }},
    {"gather",
     [](const RecordedCall& c) {
       if (c.shape().rank() == 0) c.refuse("of a scalar");
       return c.graph().node("GatherElements", {c.in(0), index(c[1])}, {{"axis", c.axis()}});
     }},
    {"scatter", [](const RecordedCall& c) { return scattered(c, c[1], c.in(2), "none"); }},
    {"scatter_add", [](const RecordedCall& c) { return scattered(c, c[1], c.in(2), "add"); }},
    {"index_add",
     [](const RecordedCall& c) {
       if (c.shape().rank() == 0) c.refuse("of a scalar");
       // The indices' axes stand in place of the one that they refer to.
       const Shape flat = c.shape().with(static_cast<int>(c.axis()), c[1].shape.numel());
       return scattered(c, along_axis(index(c[1]), flat, c.axis()), reshape_to(c.in(2), extents(flat)), "add");
     }},
};

}  // namespace

std::span<const Exporter> shape_exporters() { return kShapes; }

}  // namespace tapegrad::onnx
