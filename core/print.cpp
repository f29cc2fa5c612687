#include <charconv>
#include <ostream>
#include <span>
#include <tapegrad/core/tensor.hpp>
#include <type_traits>

namespace tapegrad {
namespace {

constexpr std::int64_t kEdge = 3;        // elements shown at each end of an abridged axis
constexpr std::int64_t kAbridge = 1000;  // tensors with more elements are abridged

/// The shortest text that reads as the same number.
template <class T>
std::string format(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else {
    char text[40];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
  }
}

template <class T>
void print(std::string& out, std::span<const T> values, const Shape& shape, int axis, bool abridge) {
  if (axis == shape.rank()) {
    out += format(values[0]);
    return;
  }
  const std::int64_t extent = shape[axis];
  const std::size_t step = extent == 0 ? 0 : values.size() / static_cast<std::size_t>(extent);
  out += '[';
  for (std::int64_t i = 0; i < extent; ++i) {
    if (i) out += axis + 1 == shape.rank() ? ", " : ",\n" + std::string(static_cast<std::size_t>(axis) + 8, ' ');
    if (abridge && extent > 2 * kEdge && i == kEdge) {
      out += "…";
      i = extent - kEdge - 1;
      continue;
    }
    print(out, values.subspan(static_cast<std::size_t>(i) * step, step), shape, axis + 1, abridge);
  }
  out += ']';
}

}  // namespace

std::string to_string(const Tensor& tensor) {
  if (!tensor.defined()) return "tensor(undefined)";
  std::string out = "tensor(";
  const Tensor dense = tensor.to_dense().contiguous();
  const bool abridge = tensor.numel() > kAbridge;
  dispatch(dense.dtype(), [&]<class T>() { print(out, dense.data<T>(), dense.shape(), 0, abridge); });
  out += ", " + std::string(name_of(tensor.dtype()));
  if (tensor.numel() == 0 || abridge) out += ", shape " + to_string(tensor.shape());
  if (tensor.row_sparse()) out += ", row-sparse";
  return out + ")";
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }
std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace tapegrad
