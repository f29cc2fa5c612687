#include <new>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/storage.hpp>

namespace tapegrad {
namespace {

// A buffer begins on a cache line, for aligned vector loads; the header comes behind it, so that both share the line
// where they are small.
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }
constexpr std::size_t header_offset(std::size_t bytes) { return rounded(bytes, alignof(Storage)); }
constexpr std::size_t kMostBytes = ~std::size_t{0} >> 2;  // two bits of the count say whose it is and who may write
// The pool aligns blocks of whole lines.
constexpr std::size_t block_bytes(std::size_t bytes) {
  return rounded(header_offset(bytes) + sizeof(Storage), kCacheLine);
}

}  // namespace

struct Storage::Owner : Storage {
  std::shared_ptr<void> owner;
};

Storage* Storage::allocate(std::size_t bytes) {
  auto* data = static_cast<std::byte*>(memory::allocate(block_bytes(bytes)));
  auto* storage = new (data + header_offset(bytes)) Storage;
  storage->bytes_ = bytes & kMostBytes;
  storage->data_ = data;
  return storage;
}

Storage* Storage::borrow(std::byte* data, std::size_t bytes, bool read_only, std::shared_ptr<void> owner) {
  auto* storage = new Owner;
  storage->owner = std::move(owner);
  storage->borrowed_ = true;
  storage->bytes_ = bytes & kMostBytes;
  storage->read_only_ = read_only;
  storage->data_ = data;
  return storage;
}

void Storage::destroy() noexcept {
  if (borrowed_)
    delete static_cast<Owner*>(this);
  else
    memory::release(data_, block_bytes(bytes_));
}

}  // namespace tapegrad
