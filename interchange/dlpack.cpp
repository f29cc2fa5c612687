#include <tapegrad/interchange/dlpack.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/interchange/internal/dlpack_abi.hpp>

namespace tapegrad {
namespace {

struct Code {
  DType dtype;
  std::uint8_t code, bits;
};
constexpr Code kCodes[] = {{f32, dlpack::kFloat, 32}, {f64, dlpack::kFloat, 64}, {i64, dlpack::kInt, 64},
                           {i32, dlpack::kInt, 32},   {u8, dlpack::kUInt, 8},    {boolean, dlpack::kBool, 8}};

/// What an exported tensor keeps alive: the deleter frees it whole.
struct Exported {
  DLManagedTensor managed;
  Tensor tensor;
  Shape shape;
  Strides strides;
};

void check_device(const DLTensor& t) {
  if (t.device.device_type != dlpack::kCpu)
    throw ValueError(fmt::format("from_dlpack: the memory is of device type {}; that of the CPU, 1, is taken",
                                 t.device.device_type));
}

DType dtype_of(const DLDataType& type) {
  const auto* code = std::ranges::find_if(
      kCodes, [&](const Code& c) { return c.code == type.code && c.bits == type.bits && type.lanes == 1; });
  if (code != std::end(kCodes)) return code->dtype;
  constexpr const char* kKinds[] = {"int", "uint", "float", "handle", "bfloat", "complex", "bool"};
  throw DTypeError(
      fmt::format("from_dlpack: the elements are {}{}{}; f32, f64, i64, i32, u8 and bool are taken without "
                  "a copy: convert them first",
                  type.code < std::size(kKinds) ? kKinds[type.code] : "of an unknown kind, ", type.bits,
                  type.lanes == 1 ? "" : fmt::format("x{}", type.lanes)));
}

Shape shape_of(const DLTensor& t) {
  if (t.ndim < 0 || t.ndim > kMaxRank)
    throw ShapeError(fmt::format("from_dlpack: it has {} axes; up to {} are taken", t.ndim, kMaxRank));
  // Throws for extents below 0, and for more elements than a memory holds.
  return Shape(std::span<const std::int64_t>(t.shape, static_cast<std::size_t>(t.ndim)));
}

}  // namespace

DLManagedTensor* to_dlpack(const Tensor& tensor) {
  if (tensor.requires_grad())
    throw GraphError("to_dlpack: " + describe(tensor) + " requires a gradient, which would be lost: export detach()");
  if (tensor.row_sparse())
    throw ValueError("to_dlpack: of " + describe(tensor) + " only some rows are stored: export to_dense()");
  auto exported = std::make_unique<Exported>(Exported{{}, tensor, tensor.shape(), tensor.strides()});
  DLTensor& t = exported->managed.dl_tensor;
  const auto* code = std::ranges::find(kCodes, tensor.dtype(), &Code::dtype);
  t.data = engine::node_of(tensor).data;
  t.device = {dlpack::kCpu, 0};
  t.ndim = tensor.rank();
  t.dtype = {code->code, code->bits, 1};
  t.shape = const_cast<std::int64_t*>(exported->shape.begin());
  t.strides = exported->strides.data();
  exported->managed.deleter = [](DLManagedTensor* self) { delete static_cast<Exported*>(self->manager_ctx); };
  exported->managed.manager_ctx = exported.get();
  return &exported.release()->managed;
}

Tensor from_dlpack(DLManagedTensor* managed) {
  const DLTensor& t = managed->dl_tensor;
  check_device(t);
  const DType dtype = dtype_of(t.dtype);
  const Shape shape = shape_of(t);
  const Strides dense = row_major_strides(shape);
  Strides strides = dense;
  bool row_major = true;
  std::int64_t last = 0;
  for (int axis = 0; t.strides && axis < shape.rank(); ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    if (shape[axis] <= 1) continue;  // whatever its stride is
    strides[i] = t.strides[i];
    row_major = row_major && strides[i] == dense[i];
    std::int64_t step = 0;
    if (strides[i] < 0 || __builtin_mul_overflow(strides[i], shape[axis] - 1, &step) ||
        __builtin_add_overflow(last, step, &last))
      throw ValueError(fmt::format("from_dlpack: the stride of axis {} is {}; from 0 on are taken", axis, strides[i]));
  }
  auto* data = static_cast<std::byte*>(t.data) + t.byte_offset;
  if (reinterpret_cast<std::uintptr_t>(data) % size_of(dtype) != 0)
    throw ValueError(
        fmt::format("from_dlpack: its elements are not aligned to their {} bytes: copy it first", size_of(dtype)));
  const std::int64_t count = shape.numel() == 0 ? 0 : row_major ? shape.numel() : last + 1;
  // Whose deleter must not run if this throws.
  auto owner = std::make_shared<DLManagedTensor*>(nullptr);
  std::shared_ptr<void> keeper(owner.get(), [owner](void*) {
    if (*owner && (*owner)->deleter) (*owner)->deleter(*owner);
  });
  const Tensor base = detail::wrap(data, {count}, dtype, std::move(keeper));
  Tensor tensor = make_view(base, shape, row_major ? nullptr : &strides, 0);
  *owner = managed;
  return tensor;
}

}  // namespace tapegrad
