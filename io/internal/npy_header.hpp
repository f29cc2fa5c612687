#pragma once
// What stands before the numbers of an array in NumPy's format.

#include <cstdint>
#include <string>
#include <string_view>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/io/internal/input_file.hpp>

namespace tapegrad::io {

struct NpyHeader {
  Shape shape;
  DType dtype = f64;
  bool fortran_order = false;
  bool swapped = false;  ///< big-endian
};

/// Of the array that takes `bytes` bytes of the file from `begin` on, exactly. IoError, which begins with `what`, for
/// anything that is not one; nothing is allocated in proportion to numbers in it.
NpyHeader read_npy_header(const InputFile& file, std::uint64_t begin, std::uint64_t bytes, const std::string& what,
                          std::uint64_t& data_begin);

/// Magic, version and header, so long that the numbers begin at a multiple of 64.
std::string npy_header(const Tensor& tensor);

/// The array there; `what` begins messages.
Tensor read_npy(const InputFile& file, std::uint64_t begin, std::uint64_t bytes, const std::string& what);

}  // namespace tapegrad::io
