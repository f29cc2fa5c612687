#include <tapegrad/io/npy.hpp>

#include <algorithm>
#include <bit>
#include <tapegrad/core/atomic_file.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/io/internal/npy_header.hpp>

namespace tapegrad::io {
namespace {

static_assert(std::endian::native == std::endian::little, "what is written is little-endian");

/// Elements that lie in column-major order, in row-major order.
Tensor from_fortran_order(const Tensor& stored, const Shape& shape) {
  Strides strides{};
  std::int64_t step = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    strides[static_cast<std::size_t>(axis)] = step;
    step *= shape[axis];
  }
  return make_view(stored, shape, &strides, 0).contiguous();
}

void swap_bytes(std::byte* data, std::int64_t count, std::size_t size) {
  for (std::int64_t i = 0; i < count; ++i, data += size) std::reverse(data, data + size);
}

}  // namespace

Tensor read_npy(const InputFile& file, std::uint64_t begin, std::uint64_t bytes, const std::string& what) {
  std::uint64_t data_begin = 0;
  const NpyHeader header = read_npy_header(file, begin, bytes, what, data_begin);
  const std::size_t size = size_of(header.dtype);
  Tensor tensor = empty(header.shape, header.dtype);
  std::byte* data = tensor.node().data;
  const std::int64_t count = tensor.numel();
  file.read(data, static_cast<std::uint64_t>(count) * size, data_begin);
  if (header.swapped) swap_bytes(data, count, size);
  if (header.dtype == boolean && std::any_of(data, data + count, [](std::byte b) { return b > std::byte{1}; }))
    throw IoError(what + "its bool elements are not all 0 or 1");
  return header.fortran_order && header.shape.rank() > 1 ? from_fortran_order(tensor, header.shape) : tensor;
}

void save_npy(const std::filesystem::path& path, const Tensor& tensor) {
  const Tensor dense = tensor.to_dense().contiguous();
  AtomicFile file(path);
  file.write(npy_header(dense));
  file.write(dense.node().data, static_cast<std::size_t>(dense.numel()) * size_of(dense.dtype()));
  file.commit();
}

Tensor load_npy(const std::filesystem::path& path) {
  const InputFile file(path);
  return read_npy(file, 0, file.size(), file.name() + ": not an npy file: ");
}

}  // namespace tapegrad::io
