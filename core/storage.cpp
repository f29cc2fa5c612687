#include <new>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/storage.hpp>

namespace tapegrad {
namespace {

// Small buffers sit right behind the header; larger ones on a cache line, for aligned vector loads.
constexpr std::size_t kSmall = 192;
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t offset_for(std::size_t bytes) { return bytes <= kSmall ? sizeof(Storage) : kCacheLine; }

}  // namespace

struct Storage::Owner : Storage {
  std::shared_ptr<void> owner;
  // destroy() knows a buffer of the pool by how far behind the header it lies. No borrowed one can lie within this.
  std::byte reach[kCacheLine];
};

Storage* Storage::allocate(std::size_t bytes) {
  const std::size_t offset = offset_for(bytes);
  void* block = memory::allocate(offset + bytes);
  auto* storage = new (block) Storage;
  storage->bytes_ = bytes;
  storage->data_ = static_cast<std::byte*>(block) + offset;
  return storage;
}

Storage* Storage::borrow(std::byte* data, std::size_t bytes, std::shared_ptr<void> owner) {
  auto* storage = new Owner;
  storage->owner = std::move(owner);
  storage->bytes_ = bytes;
  storage->data_ = data;
  return storage;
}

void Storage::destroy() noexcept {
  const std::size_t offset = offset_for(bytes_);
  if (data_ == reinterpret_cast<std::byte*>(this) + offset)
    memory::release(this, offset + bytes_);
  else
    delete static_cast<Owner*>(this);
}

}  // namespace tapegrad
