#include <tapegrad/io/npy.hpp>

#include <algorithm>
#include <bit>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
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

Tensor read_npy(ByteStream& stream, std::uint64_t bytes) {
  const NpyHeader header = read_npy_header(stream, bytes);
  const std::size_t size = size_of(header.dtype);
  Tensor tensor = empty(header.shape, header.dtype);
  std::byte* data = engine::node_of(tensor).data;
  const std::int64_t count = tensor.numel();
  if (const std::size_t wanted = static_cast<std::size_t>(count) * size; stream.read(data, wanted) != wanted)
    throw IoError(stream.what() + "it became shorter while it was read");
  if (header.swapped) swap_bytes(data, count, size);
  if (header.dtype == boolean && std::any_of(data, data + count, [](std::byte b) { return b > std::byte{1}; }))
    throw IoError(stream.what() + "its bool elements are not all 0 or 1");
  return header.fortran_order && header.shape.rank() > 1 ? from_fortran_order(tensor, header.shape) : tensor;
}

void save_npy(const std::filesystem::path& path, const Tensor& tensor) {
  const Tensor dense = tensor.to_dense().contiguous();
  AtomicFile file(path);
  file.write(npy_header(dense));
  file.write(engine::node_of(dense).data, static_cast<std::size_t>(dense.numel()) * size_of(dense.dtype()));
  file.commit();
}

Tensor load_npy(const std::filesystem::path& path) {
  const InputFile file(path);
  ByteStream stream(file, 0, file.size(), ByteStream::Packing::none, file.name() + ": not an npy file: ");
  return read_npy(stream, file.size());
}

}  // namespace tapegrad::io
