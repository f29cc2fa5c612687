#pragma once
// A reference-counted buffer. Views share it; its version counts the changes made in place.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tapegrad/core/ref_count.hpp>

namespace tapegrad {

class Storage {
 public:
  /// A pooled buffer of `bytes`, uninitialised, with one reference. Throws MemoryError.
  static Storage* allocate(std::size_t bytes);
  /// A buffer that `owner` keeps alive, with one reference.
  static Storage* borrow(std::byte* data, std::size_t bytes, std::shared_ptr<void> owner);

  void retain() { refs_.retain(); }
  void release() {
    if (refs_.release()) destroy();
  }
  bool unique() const { return refs_.get() == 1; }

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  std::uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  struct Owner;
  void destroy() noexcept;

  RefCount refs_;
  std::atomic<std::uint32_t> version_{0};
  std::size_t bytes_ = 0;
  std::byte* data_ = nullptr;  // behind this header, or elsewhere when an owner is
};

}  // namespace tapegrad
