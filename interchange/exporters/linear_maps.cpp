// Linear maps of a plane that ONNX has no operator for, or one with other conventions, as the product with their
// matrix; it is what the operation makes of each unit vector.

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_exporters.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 22;

/// The unit vectors of a plane, whose images are the rows of its map's matrix; each has so many elements.
Tensor unit_vectors(const RecordedCall& c, const Shape& plane, std::int64_t results) {
  const std::int64_t n = plane.numel();
  if (n == 0 || c[0].shape.numel() == 0) c.refuse("of no elements");
  if (n > kMostElements / std::max<std::int64_t>(1, results))
    c.refuse("of planes so large that their matrix has more than 4 million elements");
  Integers shape{n};
  shape.insert(shape.end(), plane.begin(), plane.end());
  return reshape(eye(n, f64), shape);
}

Expr multiplied(const RecordedCall& c, const Expr& x, const Tensor& images) {
  const Tensor matrix = cast(reshape(images, {images.shape()[0], -1}), c.dtype()).detach();
  return emit("MatMul", {x, c.graph().constant(matrix, "matrix")});
}

/// `planes`: how many of a sample are mapped, each by itself.
Expr by_planes(const RecordedCall& c, std::int64_t planes, const Shape& plane) {
  const std::int64_t rows = c[0].shape[0];
  const Tensor units = unit_vectors(c, plane, c.shape().numel() / std::max<std::int64_t>(1, rows * planes));
  const Expr x = reshape_to(c.in(0), {rows, planes, plane.numel()});
  return reshape_to(multiplied(c, x, c.run({units})[0]), {c.shape().begin(), c.shape().end()});
}

/// Each channel of [N, C, ...] by itself.
Expr by_channels(const RecordedCall& c) {
  Integers plane{1};
  for (int axis = 2; axis < c[0].shape.rank(); ++axis) plane.push_back(c[0].shape[axis]);
  return by_planes(c, c[0].shape[1], plane);
}

Expr interpolated(const RecordedCall& c) {
  const std::string mode = c.text("mode");
  const bool aligned = c.flag("align_corners");
  if (mode != "nearest" && mode != "linear") return by_channels(c);
  NodeAttributes attributes{{"mode", mode}};
  if (mode == "nearest") {
    attributes.emplace_back("coordinate_transformation_mode", std::string("asymmetric"));
    attributes.emplace_back("nearest_mode", std::string("floor"));
  } else {
    attributes.emplace_back("coordinate_transformation_mode", std::string(aligned ? "align_corners" : "half_pixel"));
  }
  if (c.shape().numel() == 0) c.refuse("of no elements");
  GraphWriter& g = c.graph();
  return g.node("Resize", {c.in(0), {}, {}, g.integers({c.shape().begin(), c.shape().end()})}, attributes);
}

/// Axes that are moved to the end, and back.
std::pair<Integers, Integers> moved_to_end(int rank, std::int64_t row, std::int64_t column) {
  Integers axes, back(static_cast<std::size_t>(rank));
  for (std::int64_t axis = 0; axis < rank; ++axis)
    if (axis != row && axis != column) axes.push_back(axis);
  axes.push_back(row);
  axes.push_back(column);
  for (std::size_t i = 0; i < axes.size(); ++i) back[static_cast<std::size_t>(axes[i])] = static_cast<std::int64_t>(i);
  return {axes, back};
}

/// Of the elements of a matrix, those on a diagonal.
Integers places(std::int64_t rows, std::int64_t columns, std::int64_t k) {
  Integers found;
  for (std::int64_t i = 0; i < rows; ++i)
    if (i + k >= 0 && i + k < columns) found.push_back(i * columns + i + k);
  return found;
}

Expr diagonal(const RecordedCall& c) {
  const Shape& x = c[0].shape;
  if (c.shape().numel() == 0) c.refuse("of no elements");
  const std::int64_t row = c.axis("row_axis"), column = c.axis("column_axis");
  Integers flat(c.shape().begin(), c.shape().end());
  const std::int64_t rows = x[static_cast<int>(row)], columns = x[static_cast<int>(column)];
  flat.back() = rows * columns;
  const Expr all = reshape_to(transposed(c.in(0), moved_to_end(x.rank(), row, column).first), flat);
  const Expr at = c.graph().integers(places(rows, columns, c.integer("k")));
  return c.graph().node("Gather", {all, at}, {{"axis", std::int64_t{x.rank() - 2}}});
}

Expr diagonal_scatter(const RecordedCall& c) {
  const Shape &y = c.shape(), &x = c[0].shape;
  if (x.numel() == 0) c.refuse("of no elements");
  GraphWriter& g = c.graph();
  const auto axis = [&](const char* name) { return (c.integer(name) + y.rank()) % y.rank(); };
  const std::int64_t row = axis("row_axis"), column = axis("column_axis");
  const std::int64_t rows = y[static_cast<int>(row)], columns = y[static_cast<int>(column)];
  const auto [axes, back] = moved_to_end(y.rank(), row, column);
  Integers flat(x.begin(), x.end()), full;
  flat.back() = rows * columns;
  for (const std::int64_t a : axes) full.push_back(y[static_cast<int>(a)]);
  const Expr zeros = emit("Expand", {g.number(0, c.dtype()), g.integers(flat)});
  const Expr at = emit("Expand", {g.integers(places(rows, columns, c.integer("k"))), g.integers({x.begin(), x.end()})});
  const Expr filled = g.node("ScatterElements", {zeros, at, c.in(0)}, {{"axis", std::int64_t{x.rank() - 1}}});
  return transposed(reshape_to(filled, full), back);
}

/// Of the last axis, to real and imaginary parts.
std::vector<Expr> spectrum(const RecordedCall& c) {
  const std::int64_t n = c[0].shape[-1];
  std::vector<Expr> parts;
  for (const Tensor& images : c.run({unit_vectors(c, {n}, n)})) parts.push_back(multiplied(c, c.in(0), images));
  return parts;
}

Expr inverse_spectrum(const RecordedCall& c) {
  const Tensor units = unit_vectors(c, {c[0].shape[-1]}, c.shape()[-1]), none = zeros(units.shape(), f64);
  return multiplied(c, c.in(0), c.run({units, none})[0]) + multiplied(c, c.in(1), c.run({none, units})[0]);
}

constexpr Exporter kLinearMaps[] = {
    {"interpolate", interpolated},
    {"interpolate_adjoint", by_channels},
    {"avg_unpool", by_channels},
    {"adaptive_avg_unpool", by_channels},
    {"unfold", by_channels},
    {"fold",
     [](const RecordedCall& c) {
       const Shape& x = c[0].shape;
       const std::int64_t channels = c.shape()[1];
       if (x.numel() == 0) c.refuse("of no elements");
       return by_planes(c, channels, {x[1] / channels, x[2]});
     }},
    {"diagonal", diagonal},
    {"diagonal_scatter", diagonal_scatter},
    {"rfft", spectrum},
    {"irfft", inverse_spectrum},
};

}  // namespace

std::span<const Exporter> linear_map_exporters() { return kLinearMaps; }

}  // namespace tapegrad::onnx
