#pragma once
// The structs of DLPack (https://dmlc.github.io/dlpack), which are an agreement on memory: versions 0.2 to 0.8, and
// what later ones call unversioned.

#include <cstdint>

struct DLDevice {
  std::int32_t device_type;
  std::int32_t device_id;
};
struct DLDataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  ///< in elements; null when row-major
  std::uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor* self);
};

namespace tapegrad::dlpack {

inline constexpr std::int32_t kCpu = 1;
inline constexpr std::uint8_t kInt = 0, kUInt = 1, kFloat = 2, kBool = 6;

}  // namespace tapegrad::dlpack
