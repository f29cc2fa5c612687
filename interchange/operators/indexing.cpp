// Elements by their indices.

#include <algorithm>
#include <map>
#include <numeric>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

Value taken(const Call& c) {
  if (const Strings* strings = c.value(0).strings()) {
    if (strings->shape.rank() != 1) c.fail("strings are gathered from one axis only");
    Strings result{c.in(1).shape(), {}};
    for (const double at : c.in(1).values()) {
      const auto i = static_cast<std::int64_t>(at) + (at < 0 ? strings->shape[0] : 0);
      if (i < 0 || i >= strings->shape[0]) c.fail("an index is outside its axis");
      result.values.push_back(strings->values[static_cast<std::size_t>(i)]);
    }
    return result;
  }
  return {take(c.in(0), c.in(1), c.axis(c.integer("axis", 0))), c.type(0)};
}

Tensor gathered(const Call& c) { return gather(c.in(0), c.axis(c.integer("axis", 0)), c.in(1)); }

ScatterReduce reduction_of(const Call& c, const std::string& name) {
  static const std::map<std::string, ScatterReduce> kKnown{{"add", ScatterReduce::sum},
                                                           {"mul", ScatterReduce::prod},
                                                           {"max", ScatterReduce::amax},
                                                           {"min", ScatterReduce::amin}};
  const auto found = kKnown.find(name);
  if (found == kKnown.end()) c.fail("reduction is '" + name + "'; none, add, mul, max and min are known");
  return found->second;
}

Tensor scattered_along(const Call& c, const Tensor& x, int axis, const Tensor& indices, const Tensor& source) {
  const std::string reduction = c.text("reduction", "none");
  if (reduction == "none") return scatter(x, axis, indices, source);
  return scatter_reduce(x, axis, indices, source, reduction_of(c, reduction));
}

Tensor scattered(const Call& c) { return scattered_along(c, c.in(0), c.axis(c.integer("axis", 0)), c.in(1), c.in(2)); }

/// Of index vectors (the last axis of `indices`) into `shape`, from its axis `batch` on: which row of what is left they
/// name, in the order of the indices. Batch axes of both run along.
std::vector<std::int64_t> rows_of(const Call& c, const Tensor& indices, const Shape& shape, int batch) {
  const int depth = static_cast<int>(indices.size(-1));
  if (indices.rank() < 1 || batch < 0 || batch >= indices.rank() || batch + depth > shape.rank())
    c.fail("indices have vectors that are longer than the rank");
  std::int64_t members = 1, span = 1;
  for (int i = 0; i < batch; ++i) members *= shape[i];
  for (int i = batch; i < batch + depth; ++i) span *= shape[i];
  const Tensor list = cast(indices, i64).contiguous();
  const auto from = list.data<std::int64_t>();
  const std::int64_t count = depth > 0 ? list.numel() / depth : 0, each = members > 0 ? count / members : 0;
  std::vector<std::int64_t> rows;
  for (std::int64_t r = 0; r < count; ++r) {
    std::int64_t row = 0;
    for (int i = 0; i < depth; ++i) {
      const std::int64_t extent = shape[batch + i], given = from[static_cast<std::size_t>(r * depth + i)];
      const std::int64_t at = given < 0 ? given + extent : given;
      if (at < 0 || at >= extent) c.fail("an index is outside its axis");
      row = row * extent + at;
    }
    rows.push_back(row + (each > 0 ? r / each : 0) * span);
  }
  return rows;
}

Tensor gathered_nd(const Call& c) {
  const Tensor &x = c.in(0), &indices = c.in(1);
  const int batch = static_cast<int>(c.integer("batch_dims", 0)), depth = static_cast<int>(indices.size(-1));
  const std::vector<std::int64_t> rows = rows_of(c, indices, x.shape(), batch);
  Shape shape = indices.shape().erase(indices.rank() - 1);
  std::int64_t lanes = 1, width = 1;
  for (int i = 0; i < batch + depth; ++i) lanes *= x.shape()[i];
  for (int i = batch + depth; i < x.rank(); ++i) {
    width *= x.shape()[i];
    shape = shape.insert(shape.rank(), x.shape()[i]);
  }
  return reshape(take(reshape(x, {lanes, width}), copy_of(rows), 0), shape);
}

Tensor scattered_nd(const Call& c) {
  const Tensor &x = c.in(0), &indices = c.in(1);
  const int depth = static_cast<int>(indices.size(-1));
  const std::vector<std::int64_t> rows = rows_of(c, indices, x.shape(), 0);
  std::int64_t lanes = 1, width = 1;
  for (int i = 0; i < x.rank(); ++i) (i < depth ? lanes : width) *= x.shape()[i];
  const auto count = static_cast<std::int64_t>(rows.size());
  const Tensor places = broadcast_to(reshape(copy_of(rows), {count, 1}), {count, width});
  const Tensor source = reshape(c.in(2), {count, width});
  return reshape(scattered_along(c, reshape(x, {lanes, width}), 0, places, source), x.shape());
}

/// values[1] at each index of a new axis, values[0] elsewhere.
Value hot(const Call& c) {
  const Tensor &ids = c.in(0), &values = c.in(2);
  const auto depth = static_cast<std::int64_t>(c.in(1).item());
  if (values.numel() != 2 || c.in(1).numel() != 1 || depth < 0) c.fail("depth must be one number, values two");
  const int axis = normalized_axis("axis", c.integer("axis", -1), ids.rank() + 1);
  Shape outline;
  for (int i = 0; i <= ids.rank(); ++i) outline = outline.insert(i, i == axis ? depth : 1);
  const Tensor whole = cast(ids, i64);
  const Tensor at = where(whole < 0, whole + depth, whole);
  const Tensor on = unsqueeze(at, axis) == reshape(arange(depth), outline);
  return {where(on, values[1], values[0]), c.type(2)};
}

Value places_not_zero(const Call& c) { return transpose(nonzero(c.in(0))); }

Tensor compressed(const Call& c) {
  const Tensor chosen = flatnonzero(c.in(1));
  if (!c.has_attribute("axis")) return take(reshape(c.in(0), {-1}), chosen, 0);
  return take(c.in(0), chosen, c.axis(c.integer("axis", 0)));
}

/// Slices along `axis` each once: their first positions, for each slice which it is, and how often it occurs.
std::vector<Value> unique_slices(const Call& c) {
  const Tensor& x = c.in(0);
  const bool whole = !c.has_attribute("axis");
  const int axis = whole ? 0 : c.axis(c.integer("axis", 0));
  const Tensor rows = whole ? reshape(x, {-1, 1}) : reshape(movedim(x, axis, 0), {x.shape()[axis], -1});
  const std::vector<double> all = rows.values();
  const auto count = static_cast<std::size_t>(rows.size(0)), width = static_cast<std::size_t>(rows.size(1));
  const auto row = [&](std::size_t i) { return std::span(all).subspan(i * width, width); };
  const auto less = [&](std::size_t a, std::size_t b) { return std::ranges::lexicographical_compare(row(a), row(b)); };
  std::map<std::size_t, std::vector<std::size_t>, decltype(less)> groups(less);  // by the first of their kind
  for (std::size_t i = 0; i < count; ++i) groups[i].push_back(i);
  std::vector<const std::vector<std::size_t>*> order;
  for (const auto& [first, members] : groups) order.push_back(&members);
  if (c.integer("sorted", 1) == 0) std::ranges::sort(order, {}, [](const auto* members) { return members->front(); });
  std::vector<std::int64_t> first, inverse(count), counts;
  for (const auto* members : order) {
    for (const std::size_t i : *members) inverse[i] = static_cast<std::int64_t>(first.size());
    first.push_back(static_cast<std::int64_t>(members->front()));
    counts.push_back(static_cast<std::int64_t>(members->size()));
  }
  const Tensor values = whole ? take(reshape(x, {-1}), copy_of(first), 0) : take(x, copy_of(first), axis);
  return {{values, c.type(0)}, copy_of(first), copy_of(inverse), copy_of(counts)};
}

struct Corners {
  double top, left, bottom, right;
  double area() const { return (bottom - top) * (right - left); }
};

/// Boxes of each class, best scores first, without those that overlap a better one too much.
Value suppressed(const Call& c) {
  const Tensor &boxes = c.in(0), &scores = c.in(1);
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes.size(2) != 4 || boxes.size(0) != scores.size(0) ||
      boxes.size(1) != scores.size(2))
    c.fail("boxes must be [batches, boxes, 4] and scores [batches, classes, boxes]");
  const std::int64_t most = c.has(2) ? c.integer_in(2) : 0;
  const double overlap = c.has(3) ? c.in(3).item() : 0;
  const double least = c.has(4) ? c.in(4).item() : -std::numeric_limits<double>::infinity();
  const bool centred = c.integer("center_point_box", 0) != 0;
  const std::vector<double> all = boxes.values(), values = scores.values();
  const std::int64_t count = boxes.size(1), classes = scores.size(1);
  const auto corners = [&](std::int64_t batch, std::int64_t box) {
    const double* b = &all[static_cast<std::size_t>((batch * count + box) * 4)];
    if (centred) return Corners{b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2};
    return Corners{std::min(b[0], b[2]), std::min(b[1], b[3]), std::max(b[0], b[2]), std::max(b[1], b[3])};
  };
  std::vector<std::int64_t> kept;
  for (std::int64_t batch = 0; batch < boxes.size(0); ++batch)
    for (std::int64_t k = 0; k < classes; ++k) {
      const double* score = &values[static_cast<std::size_t>((batch * classes + k) * count)];
      std::vector<std::int64_t> order;
      for (std::int64_t i = 0; i < count; ++i)
        if (score[i] > least) order.push_back(i);
      std::ranges::stable_sort(order, std::greater(), [&](std::int64_t i) { return score[i]; });
      std::vector<Corners> taken_boxes;
      for (const std::int64_t i : order) {
        if (static_cast<std::int64_t>(taken_boxes.size()) >= most) break;
        const Corners box = corners(batch, i);
        const bool hidden = std::ranges::any_of(taken_boxes, [&](const Corners& other) {
          const double height = std::min(box.bottom, other.bottom) - std::max(box.top, other.top);
          const double width = std::min(box.right, other.right) - std::max(box.left, other.left);
          if (height <= 0 || width <= 0) return false;
          return height * width / (box.area() + other.area() - height * width) > overlap;
        });
        if (hidden) continue;
        taken_boxes.push_back(box);
        kept.insert(kept.end(), {batch, k, i});
      }
    }
  return copy_of(std::span<const std::int64_t>(kept), {static_cast<std::int64_t>(kept.size() / 3), 3});
}

constexpr Importer kImporters[] = {
    {"Compress", compressed},          {"Gather", taken},
    {"GatherElements", gathered},      {"GatherND", gathered_nd},
    {"NonMaxSuppression", suppressed}, {"NonZero", places_not_zero},
    {"OneHot", hot, 1, 0b110},         {"Scatter", scattered},
    {"ScatterElements", scattered},    {"ScatterND", scattered_nd},
    {"Unique", unique_slices},
};

}  // namespace

std::span<const Importer> indexing_importers() { return kImporters; }

}  // namespace tapegrad::onnx
