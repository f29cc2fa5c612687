#pragma once
// How numbers lie in files of tensors, and what the formats call that: one table for all of them.

#include <cstdint>
#include <span>
#include <string_view>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::io {

/// Little-endian numbers of one kind. A row of element_formats().
struct ElementFormat {
  DType dtype;  ///< in memory: the smallest that holds all its values
  std::size_t bytes;
  std::string_view safetensors;  ///< "F32"; empty where the format has none
  std::string_view torch;        ///< "float32", the name of the dtype in PyTorch
  std::string_view storage;      ///< "FloatStorage", PyTorch's class for a buffer of it; empty if it has none
  /// Converts `count` numbers; null where they are in memory as in the file.
  void (*convert)(const std::byte* from, std::size_t count, std::byte* to);
};

/// All of them; the first of each dtype is the one that is written.
std::span<const ElementFormat> element_formats();
/// The one that is written.
const ElementFormat& element_format(DType dtype);
/// The first whose `member` is `name`; null if there is none.
const ElementFormat* find_format(std::string_view ElementFormat::*member, std::string_view name);
/// "F32, F64, …": what can be read.
std::string format_names(std::string_view ElementFormat::*member);

/// A tensor of `shape` from the bytes at `place`, which the caller has checked to be there. IoError if the file became
/// shorter; if a bool is neither 0 nor 1, IoError that begins with `what`.
Tensor read_elements(const InputFile& file, std::uint64_t place, const Shape& shape, const ElementFormat& format,
                     std::string_view what);

}  // namespace tapegrad::io
