#include <tapegrad/io/internal/element_format.hpp>

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <vector>

namespace tapegrad::io {
namespace {

static_assert(std::endian::native == std::endian::little, "files hold little-endian numbers");

template <class From, class To>
void widen(const std::byte* from, std::size_t count, std::byte* to) {
  for (std::size_t i = 0; i < count; ++i) {
    From stored;
    std::memcpy(&stored, from + i * sizeof(From), sizeof(From));
    const To value = static_cast<To>(stored);
    std::memcpy(to + i * sizeof(To), &value, sizeof(To));
  }
}

/// Eight bits: a sign, `exponent` bits biased by `bias`, the rest of a fraction. OCP 8-bit Floating Point
/// Specification (OFP8), 2023: E5M2 has infinities as IEEE 754 has, E4M3 one NaN and no infinity.
float eight_bits(unsigned bits, int mantissa, int bias, bool has_infinity) {
  const unsigned fraction = bits & ((1u << mantissa) - 1), exponent = (bits & 0x7f) >> mantissa;
  const unsigned all_ones = 0x7fu >> mantissa;
  float value = 0;
  if (exponent == all_ones && (has_infinity || fraction == (1u << mantissa) - 1)) {
    value = has_infinity && fraction == 0 ? std::numeric_limits<float>::infinity()
                                          : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), 1 - bias - mantissa);
  } else {
    value = std::ldexp(static_cast<float>(fraction | (1u << mantissa)), static_cast<int>(exponent) - bias - mantissa);
  }
  return bits & 0x80 ? -value : value;
}

template <int mantissa, int bias, bool has_infinity>
void widen_eight_bits(const std::byte* from, std::size_t count, std::byte* to) {
  std::array<float, 256> values{};
  for (unsigned bits = 0; bits < values.size(); ++bits) values[bits] = eight_bits(bits, mantissa, bias, has_infinity);
  for (std::size_t i = 0; i < count; ++i)
    std::memcpy(to + i * sizeof(float), &values[static_cast<std::size_t>(from[i])], sizeof(float));
}

constexpr ElementFormat kFormats[] = {
    {f32, 4, "F32", "float32", "FloatStorage", nullptr},
    {f64, 8, "F64", "float64", "DoubleStorage", nullptr},
    {i64, 8, "I64", "int64", "LongStorage", nullptr},
    {i32, 4, "I32", "int32", "IntStorage", nullptr},
    {u8, 1, "U8", "uint8", "ByteStorage", nullptr},
    {boolean, 1, "BOOL", "bool", "BoolStorage", nullptr},
    {f32, 2, "F16", "float16", "HalfStorage", widen<Eigen::half, float>},
    {f32, 2, "BF16", "bfloat16", "BFloat16Storage", widen<Eigen::bfloat16, float>},
    {f32, 1, "F8_E4M3", "float8_e4m3fn", "", widen_eight_bits<3, 7, false>},
    {f32, 1, "F8_E5M2", "float8_e5m2", "", widen_eight_bits<2, 15, true>},
    {i32, 1, "I8", "int8", "CharStorage", widen<std::int8_t, std::int32_t>},
    {i32, 2, "I16", "int16", "ShortStorage", widen<std::int16_t, std::int32_t>},
    {i32, 2, "U16", "uint16", "", widen<std::uint16_t, std::int32_t>},
    {i64, 4, "U32", "uint32", "", widen<std::uint32_t, std::int64_t>},
};

}  // namespace

std::span<const ElementFormat> element_formats() { return kFormats; }

const ElementFormat& element_format(DType dtype) { return *std::ranges::find(kFormats, dtype, &ElementFormat::dtype); }

const ElementFormat* find_format(std::string_view ElementFormat::*member, std::string_view name) {
  const auto found = name.empty() ? std::end(kFormats) : std::ranges::find(kFormats, name, member);
  return found == std::end(kFormats) ? nullptr : found;
}

std::string format_names(std::string_view ElementFormat::*member) {
  std::vector<std::string_view> names;
  for (const ElementFormat& format : kFormats)
    if (!(format.*member).empty()) names.push_back(format.*member);
  return fmt::format("{}", fmt::join(names, ", "));
}

Tensor read_elements(const InputFile& file, std::uint64_t place, const Shape& shape, const ElementFormat& format,
                     std::string_view what) {
  Tensor tensor = empty(shape, format.dtype);
  std::byte* to = engine::node_of(tensor).data;
  std::size_t left = static_cast<std::size_t>(tensor.numel());
  if (!format.convert) {
    file.read(to, left * format.bytes, place);
    if (format.dtype == boolean && std::any_of(to, to + left, [](std::byte b) { return b > std::byte{1}; }))
      throw IoError(fmt::format("{}a bool tensor of shape {} has bytes other than 0 and 1", what, to_string(shape)));
    return tensor;
  }
  constexpr std::size_t kBlock = 1 << 15;
  std::vector<std::byte> block(std::min(kBlock, left) * format.bytes);
  while (left > 0) {
    const std::size_t count = std::min(kBlock, left);
    file.read(block.data(), count * format.bytes, place);
    format.convert(block.data(), count, to);
    place += count * format.bytes;
    to += count * size_of(format.dtype);
    left -= count;
  }
  return tensor;
}

}  // namespace tapegrad::io
