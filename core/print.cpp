#include <charconv>
#include <cmath>
#include <ostream>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {
namespace {

constexpr std::int64_t kEdge = 3;        // elements shown at each end of an abridged axis
constexpr std::int64_t kAbridge = 1000;  // tensors with more elements are abridged

std::string format(double value, DType dtype) {
  if (dtype == DType::boolean) return value != 0 ? "true" : "false";
  char text[40];
  // Six significant digits tell f32 values apart well enough to read, and hide the noise of the last ones.
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6);
  return {text, end.ptr};
}

void print(std::string& out, const std::vector<double>& values, const Tensor& t, int axis, std::size_t offset,
           bool abridge) {
  if (axis == t.rank()) {
    out += format(values[offset], t.dtype());
    return;
  }
  const std::int64_t extent = t.shape()[axis];
  std::size_t step = 1;
  for (int a = axis + 1; a < t.rank(); ++a) step *= static_cast<std::size_t>(t.shape()[a]);
  out += '[';
  for (std::int64_t i = 0; i < extent; ++i) {
    if (i) out += axis + 1 == t.rank() ? ", " : ",\n" + std::string(static_cast<std::size_t>(axis) + 8, ' ');
    if (abridge && extent > 2 * kEdge && i == kEdge) {
      out += "…";
      i = extent - kEdge - 1;
      continue;
    }
    print(out, values, t, axis + 1, offset + static_cast<std::size_t>(i) * step, abridge);
  }
  out += ']';
}

}  // namespace

std::string to_string(const Tensor& tensor) {
  if (!tensor.defined()) return "tensor(undefined)";
  std::string out = "tensor(";
  print(out, tensor.values(), tensor, 0, 0, tensor.numel() > kAbridge);
  out += ", " + std::string(name_of(tensor.dtype()));
  if (tensor.numel() == 0) out += ", shape " + to_string(tensor.shape());
  if (tensor.row_sparse()) out += ", row-sparse";
  return out + ")";
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace tapegrad
