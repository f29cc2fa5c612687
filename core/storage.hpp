#pragma once
// A reference-counted buffer. Views share it; its version counts the changes made in place.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tapegrad/core/language.hpp>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace tapegrad {

/// Atomic; but while the process has one thread only, as the C library tells, it is counted without the locked
/// instructions, which would be a third of what a small op costs.
class RefCount {
 public:
  std::uint32_t get() const { return count_.load(std::memory_order_acquire); }

  /// Adds a reference; returns how many there were.
  std::uint32_t retain() {
    if (!alone()) return count_.fetch_add(1, std::memory_order_relaxed);
    const std::uint32_t before = count_.load(std::memory_order_relaxed);
    count_.store(before + 1, std::memory_order_relaxed);
    return before;
  }

  /// Takes one away; true if it was the last.
  bool release() {
    // The holder of the last reference is alone with it, on any number of threads.
    const std::uint32_t before = count_.load(std::memory_order_acquire);
    if (before != 1 && !alone()) return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    count_.store(before - 1, std::memory_order_relaxed);
    return before == 1;
  }

 private:
  static bool alone() {
#ifdef _SYS_SINGLE_THREADED_H
    return __libc_single_threaded != 0;
#else
    return false;
#endif
  }

  std::atomic<std::uint32_t> count_{1};
};

/// The memory of a value, counted by who shares it.
class Storage {
 public:
  /// A pooled buffer of `bytes`, uninitialised, on a cache line, with one reference. Throws MemoryError.
  static Storage* allocate(std::size_t bytes);
  /// A buffer that `owner` keeps alive, with one reference.
  static Storage* borrow(std::byte* data, std::size_t bytes, bool read_only, std::shared_ptr<void> owner);

  void retain() { refs_.retain(); }
  void release() {
    if (refs_.release()) destroy();
  }
  /// Whether the holder may do with the buffer as it likes.
  bool unique() const { return refs_.get() == 1 && !read_only_; }
  /// Whether nobody may write to it.
  bool read_only() const { return read_only_; }

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  std::uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  struct Owner;
  void destroy() noexcept;

  RefCount refs_;
  std::atomic<std::uint32_t> version_{0};
  std::size_t bytes_ : 62 = 0;
  std::size_t read_only_ : 1 = 0;
  std::size_t borrowed_ : 1 = 0;  // the header is an Owner
  std::byte* data_ = nullptr;     // before this header, or elsewhere when an owner is
};

}  // namespace tapegrad
