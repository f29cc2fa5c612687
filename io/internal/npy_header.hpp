#pragma once
// What stands before the numbers of an array in NumPy's format.

#include <cstdint>
#include <string>
#include <string_view>
#include <tapegrad/core/internal/byte_stream.hpp>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::io {

struct NpyHeader {
  Shape shape;
  DType dtype = f64;
  bool fortran_order = false;
  bool swapped = false;  ///< big-endian
};

/// Of the array that takes all `bytes` bytes of the stream, exactly; the stream goes on with its numbers. IoError,
/// which begins with the stream's `what`, for anything that is not one; nothing is allocated in proportion to numbers
/// in it.
NpyHeader read_npy_header(ByteStream& stream, std::uint64_t bytes);

/// Magic, version and header, so long that the numbers begin at a multiple of 64.
std::string npy_header(const Tensor& tensor);

/// The array that takes all of the stream, which is known to have `bytes` bytes.
Tensor read_npy(ByteStream& stream, std::uint64_t bytes);

}  // namespace tapegrad::io
