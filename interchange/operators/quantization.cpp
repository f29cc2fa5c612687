// Floats as small integers, and products of those. What is quantised has no gradient.

#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/interchange/internal/onnx_windows.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

/// A vector along `axis` of x; scalars as they are.
Tensor along(const Call& c, const Tensor& of, const Tensor& x, std::int64_t axis) {
  if (of.numel() == 1) return reshape(of, Shape{});
  const int at = normalized_axis("axis", axis, x.rank());
  if (of.rank() != 1 || of.numel() != x.shape()[at]) c.fail("a scale or zero point has not one value for each slice");
  Shape shape;
  for (int i = 0; i < x.rank(); ++i) shape = shape.insert(i, i == at ? of.numel() : 1);
  return reshape(of, shape);
}
Tensor wide(const Tensor& x) { return cast(x, f64); }
/// Input `i` in f64, 0 if it is left out.
Tensor zero_point(const Call& c, std::size_t i) { return c.has(i) ? wide(c.in(i)) : scalar(0, f64); }

/// The nearest integers of a type, the even one of two, within its range.
Value saturated(const Call& c, const Tensor& x, ElementType type) {
  double low = 0, high = 0;
  if (type == ElementType::uint8) high = 255;
  if (type == ElementType::int8) low = -128, high = 127;
  if (type == ElementType::uint16) high = 65535;
  if (type == ElementType::int16) low = -32768, high = 32767;
  if (high == 0) c.fail("nothing is quantised to " + name_of(type));
  return {cast(clamp(x, low, high), dtype_of(type)), type};
}

Value quantized(const Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t axis = c.integer("axis", 1);
  const ElementType type = c.has(2) ? c.type(2) : ElementType::uint8;
  const Tensor scaled = round(cast(x / along(c, c.in(1), x, axis), f64));
  return saturated(c, scaled + along(c, zero_point(c, 2), x, axis), type);
}

Value dequantized(const Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t axis = c.integer("axis", 1);
  const Tensor y = cast(wide(x) - along(c, zero_point(c, 2), x, axis), c.in(1).dtype()) * along(c, c.in(1), x, axis);
  return {y, c.type(1)};
}

std::vector<Value> quantized_by_range(const Call& c) {
  const Tensor& x = c.in(0);
  const Tensor low = minimum(amin(x), 0), high = maximum(amax(x), 0);
  const Tensor scale = (high - low) / 255;
  const Tensor zero = clamp(round(-low / scale), 0, 255);
  return {saturated(c, round(x / scale) + zero, ElementType::uint8), scale, cast(zero, u8)};
}

/// Of a row of the first factor, or a column of the second.
Tensor of_rows(const Tensor& zero, const Tensor& x) {
  return zero.rank() == 1 && zero.numel() > 1 && x.rank() > 1 ? unsqueeze(zero, 1) : zero;
}
Value integer_product(const Call& c) {
  const Tensor a = wide(c.in(0)) - of_rows(zero_point(c, 2), c.in(0)), b = wide(c.in(1)) - zero_point(c, 3);
  return cast(matmul(a, b), i32);
}
Value integer_convolution(const Call& c) {
  const Tensor x = wide(c.in(0)) - zero_point(c, 2), w = wide(c.in(1)) - along(c, zero_point(c, 3), c.in(1), 0);
  return cast(round(convolution(c, x, w, {})), i32);
}

Value requantized(const Call& c, const Tensor& y, const Tensor& scale, std::size_t out) {
  return saturated(c, round(y * (scale / wide(c.in(out)))) + zero_point(c, out + 1), c.type(out + 1));
}
Value quantized_product(const Call& c) {
  const Tensor a = wide(c.in(0)) - of_rows(zero_point(c, 2), c.in(0)), b = wide(c.in(3)) - zero_point(c, 5);
  return requantized(c, matmul(a, b), of_rows(wide(c.in(1)), c.in(0)) * wide(c.in(4)), 6);
}
Value quantized_convolution(const Call& c) {
  const Tensor x = wide(c.in(0)) - zero_point(c, 2), w = wide(c.in(3)) - along(c, zero_point(c, 5), c.in(3), 0);
  const Tensor y = convolution(c, x, w, c.has(8) ? wide(c.in(8)) : Tensor{});
  return requantized(c, y, wide(c.in(1)) * along(c, wide(c.in(4)), y, 1), 6);
}

constexpr Importer kImporters[] = {
    {"ConvInteger", integer_convolution},
    {"DequantizeLinear", dequantized, 1, 0b110},
    {"DynamicQuantizeLinear", quantized_by_range},
    {"MatMulInteger", integer_product},
    {"QLinearConv", quantized_convolution, 1, 0b11010010},
    {"QLinearMatMul", quantized_product, 1, 0b11010010},
    {"QuantizeLinear", quantized, 1, 0b110},
};

}  // namespace

std::span<const Importer> quantization_importers() { return kImporters; }

}  // namespace tapegrad::onnx
