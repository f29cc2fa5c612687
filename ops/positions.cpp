#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/ops/cast.hpp>
#include <tapegrad/ops/positions.hpp>

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

Tensor checked_indices(const char* op, const char* input, const Tensor& indices, std::int64_t extent,
                       Negative negative) {
  if (indices.dtype() != i64 && indices.dtype() != i32)
    throw DTypeError(std::string(op) + ": '" + input + "' is " + describe(indices) +
                     "; indices are i64 or i32, cast() them");
  Tensor checked = cast(indices, i64).contiguous();
  const std::int64_t low = negative == Negative::from_end ? -extent : 0;
  std::int64_t lowest = 0;
  const auto values = positions_of(checked);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < low || values[i] >= extent) [[unlikely]]
      throw IndexError(std::string(op) + ": " + input + place_in(indices.shape(), static_cast<std::int64_t>(i)) +
                       " is " + std::to_string(values[i]) + "; expected an index in [" + std::to_string(low) + ", " +
                       std::to_string(extent) + ")");
    lowest = std::min(lowest, values[i]);
  }
  if (lowest < 0) {
    checked = checked.clone();
    for (std::int64_t& v : checked.mutable_data<std::int64_t>())
      if (v < 0) v += extent;
  }
  return checked;
}

AxisView::AxisView(const Shape& shape, int axis) : extent(shape[axis]) {
  for (int i = 0; i < axis; ++i) outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
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
  if (!constant) return copy_dense(base.node(), y.node().data);
  dispatch(y.dtype(), [&]<class T>() {
    T* to = reinterpret_cast<T*>(y.node().data);
    std::fill_n(to, y.numel(), *reinterpret_cast<const T*>(base.node().data));
  });
}

}  // namespace tapegrad
