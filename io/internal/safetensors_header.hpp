#pragma once
// The header of a safetensors file: JSON that says which tensors follow.

#include <cstdint>
#include <string>
#include <string_view>
#include <tapegrad/core/shape.hpp>
#include <tapegrad/io/internal/element_format.hpp>
#include <tapegrad/io/safetensors.hpp>
#include <vector>

namespace tapegrad::io {

struct TensorEntry {
  std::string name;
  const ElementFormat* format = nullptr;
  Shape shape;
  std::uint64_t begin = 0, end = 0;  ///< bytes, from the end of the header
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  ///< by `begin`; together they cover the data exactly
  Metadata metadata;
};

/// `data_bytes` is what follows the header in the file. Throws IoError, whose text begins with `file`.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes, const std::string& file);

}  // namespace tapegrad::io
