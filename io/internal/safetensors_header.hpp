#pragma once
// The header of a safetensors file: JSON that says which tensors follow.

#include <cstdint>
#include <string>
#include <string_view>
#include <tapegrad/core/dtype.hpp>
#include <tapegrad/core/shape.hpp>
#include <tapegrad/io/safetensors.hpp>
#include <vector>

namespace tapegrad::io {

/// How elements lie in the file: as they are in memory, or as halves of a float, which are widened.
enum class Encoding : std::uint8_t { same, f16, bf16 };

struct TensorEntry {
  std::string name;
  DType dtype = DType::f32;  ///< in memory
  Encoding encoding = Encoding::same;
  Shape shape;
  std::uint64_t begin = 0, end = 0;  ///< bytes, from the end of the header
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  ///< by `begin`; together they cover the data exactly
  Metadata metadata;
};

/// `data_bytes` is what follows the header in the file. Throws IoError, whose text begins with `file`.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes, const std::string& file);

/// "F32"
std::string_view safetensors_name(DType dtype);

}  // namespace tapegrad::io
