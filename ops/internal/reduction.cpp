#include <tapegrad/ops/internal/reduction.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {

int reduced_axis(const char* op, std::int64_t axis, int rank) {
  return rank == 0 && (axis == 0 || axis == -1) ? 0 : normalized_axis(op, axis, rank);
}

Reduction::Reduction(const char* op, const Shape& shape, const ReductionAttrs& attributes)
    : from_(shape), keepdims_(attributes.keepdims) {
  for (const std::int64_t given : attributes.axes) {
    const int axis = reduced_axis(op, given, shape.rank());
    bool& reduced = reduced_[static_cast<std::size_t>(axis)];
    if (reduced) throw ValueError(std::string(op) + ": axis " + std::to_string(axis) + " is given twice");
    reduced = true;
  }
  if (attributes.axes.empty()) reduced_.fill(true);
}

Shape Reduction::unit_shape() const {
  Integers dims;
  for (int axis = 0; axis < from_.rank(); ++axis) dims.push_back(reduces(axis) ? 1 : from_[axis]);
  return Shape(dims);
}

Shape Reduction::dropped_shape() const {
  Integers dims;
  for (int axis = 0; axis < from_.rank(); ++axis)
    if (!reduces(axis)) dims.push_back(from_[axis]);
  return Shape(dims);
}

std::int64_t Reduction::count() const {
  std::int64_t n = 1;
  for (int axis = 0; axis < from_.rank(); ++axis)
    if (reduces(axis)) n *= from_[axis];
  return n;
}

std::vector<Slab> Reduction::slabs() const {
  std::vector<Slab> slabs;
  std::int64_t inner = 1;
  for (int axis = from_.rank() - 1; axis >= 0;) {
    if (!reduces(axis)) {
      inner *= from_[axis--];
      continue;
    }
    std::int64_t count = 1, outer = 1;
    for (; axis >= 0 && reduces(axis); --axis) count *= from_[axis];
    for (int left = axis; left >= 0; --left) outer *= from_[left];
    slabs.push_back({outer, count, inner});
  }
  if (slabs.empty()) slabs.push_back({inner, 1, 1});  // nothing to reduce: a copy
  return slabs;
}

Integers Reduction::order() const {
  Integers axes;
  for (const bool reduced : {false, true})
    for (int axis = 0; axis < from_.rank(); ++axis)
      if (reduces(axis) == reduced) axes.push_back(axis);
  return axes;
}

MergedAxes merge_axes(const Reduction& reduction, const Tensor& x) {
  const std::vector<Slab> slabs = reduction.slabs();
  if (slabs.size() == 1) return {x.contiguous(), slabs[0]};
  return {permute(x, reduction.order()).contiguous(), {reduction.dropped_shape().numel(), reduction.count(), 1}};
}

Tensor along_axes(const Reduction& reduction, const Tensor& x, const std::function<Tensor(const Tensor&, int)>& f) {
  const std::vector<Slab> slabs = reduction.slabs();
  if (slabs.size() == 1) return reshape(f(reshape(x, {slabs[0].outer, slabs[0].count, slabs[0].inner}), 1), x.shape());
  const Integers order = reduction.order();
  Integers inverse(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  const Tensor moved = permute(x, order);
  const Tensor merged = reshape(moved, {reduction.dropped_shape().numel(), reduction.count(), 1});
  return permute(reshape(f(merged, 1), moved.shape()), inverse);
}

}  // namespace tapegrad
