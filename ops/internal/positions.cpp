#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/ops/internal/positions.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {

std::string place_in(const Shape& shape, std::int64_t position) {
  if (shape.rank() == 0) return "";
  std::string text;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    text = std::to_string(position % shape[axis]) + (text.empty() ? "" : ", ") + text;
    position /= shape[axis];
  }
  return "[" + text + "]";
}

std::vector<std::int64_t> places_along(const Shape& shape, const Strides& strides, int first, int last) {
  std::vector<std::int64_t> all{0};
  for (int axis = first; axis < last; ++axis) {
    std::vector<std::int64_t> next;
    next.reserve(all.size() * static_cast<std::size_t>(shape[axis]));
    for (const std::int64_t place : all)
      for (std::int64_t i = 0; i < shape[axis]; ++i)
        next.push_back(place + i * strides[static_cast<std::size_t>(axis)]);
    all = std::move(next);
  }
  return all;
}

Tensor checked_indices(const char* op, const char* input, const Tensor& indices, std::int64_t extent,
                       Negative negative) {
  if (indices.dtype() != i64 && indices.dtype() != i32)
    throw DTypeError(std::string(op) + ": '" + input + "' is " + describe(indices) +
                     "; indices are i64 or i32, cast() them");
  Tensor checked = cast(indices, i64).contiguous();
  const std::int64_t low = negative == Negative::from_end ? -extent : 0;
  std::int64_t lowest = 0, highest = -1;
  const auto values = positions_of(checked);
  for (const std::int64_t v : values) {
    lowest = std::min(lowest, v);
    highest = std::max(highest, v);
  }
  if (lowest < low || highest >= extent) {
    const auto outside = std::find_if(values.begin(), values.end(), [&](auto v) { return v < low || v >= extent; });
    throw IndexError(std::string(op) + ": " + input + place_in(indices.shape(), outside - values.begin()) + " is " +
                     std::to_string(*outside) + "; expected an index in [" + std::to_string(low) + ", " +
                     std::to_string(extent) + ")");
  }
  if (lowest < 0) {
    checked = checked.clone();
    for (std::int64_t& v : checked.mutable_data<std::int64_t>())
      if (v < 0) v += extent;
  }
  return checked;
}

Tensor zeros_view(const Shape& shape, DType dtype) {
  const Strides still{};
  return make_view(zeros({}, dtype), shape, &still, 0);
}

void start_from(const Tensor& base, Tensor& y) {
  const Strides strides = base.strides();
  bool constant = base.numel() > 1;
  for (int axis = 0; axis < base.rank(); ++axis)
    constant &= strides[static_cast<std::size_t>(axis)] == 0 || base.shape()[axis] == 1;
  if (!constant) return copy_dense(engine::node_of(base), engine::node_of(y).data);
  dispatch(y.dtype(), [&]<class T>() {
    T* to = reinterpret_cast<T*>(engine::node_of(y).data);
    std::fill_n(to, y.numel(), *reinterpret_cast<const T*>(engine::node_of(base).data));
  });
}

Tensor checked_offsets(const char* op, const Tensor& offsets, std::int64_t rows) {
  const std::string name(op);
  if (offsets.dtype() != i64 && offsets.dtype() != i32)
    throw DTypeError(name + ": 'offsets' is " + describe(offsets) + "; offsets are i64 or i32, cast() them");
  Tensor checked = cast(offsets, i64).contiguous();
  const auto o = checked.data<std::int64_t>();
  if (o.front() != 0 || o.back() != rows)
    throw ValueError(name + ": offsets run from " + std::to_string(o.front()) + " to " + std::to_string(o.back()) +
                     "; they start at 0 and end at x's " + std::to_string(rows) + " rows");
  for (std::size_t b = 1; b < o.size(); ++b)
    if (o[b] < o[b - 1])
      throw ValueError(name + ": offsets[" + std::to_string(b) + "] is " + std::to_string(o[b]) + ", less than the " +
                       std::to_string(o[b - 1]) + " before it; offsets never fall");
  return checked;
}

Tensor segment_of_rows(std::span<const std::int64_t> offsets) {
  Tensor segments = empty({offsets.back()}, i64);
  const auto of = segments.mutable_data<std::int64_t>();
  for (std::size_t b = 0; b + 1 < offsets.size(); ++b)
    std::fill(of.begin() + offsets[b], of.begin() + offsets[b + 1], static_cast<std::int64_t>(b));
  return segments;
}

Tensor inverse_lengths(std::span<const std::int64_t> offsets, int rank, DType dtype) {
  std::vector<std::int64_t> dims(static_cast<std::size_t>(rank), 1);
  dims[0] = static_cast<std::int64_t>(offsets.size()) - 1;
  Tensor inverse = empty(Shape(dims), dtype);
  dispatch_floating(dtype, [&]<class T>() {
    T* to = inverse.mutable_data<T>().data();
    for (std::size_t b = 0; b + 1 < offsets.size(); ++b)
      to[b] = T{1} / static_cast<T>(std::max<std::int64_t>(offsets[b + 1] - offsets[b], 1));
  });
  return inverse;
}

}  // namespace tapegrad
