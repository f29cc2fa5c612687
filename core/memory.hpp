#pragma once
// The pool that tensors' buffers and graph nodes come from, and bounds on what may be taken from it.

#include <cstddef>
#include <cstdint>
#include <tapegrad/core/language.hpp>

namespace tapegrad::memory {

/// What the pool of buffers has handed out and holds.
struct Stats {
  std::uint64_t allocations = 0;  ///< blocks handed out since the program began
  std::uint64_t live_blocks = 0;  ///< blocks in use
  std::uint64_t live_bytes = 0;   ///< bytes in use, rounded up to the pool's size classes
  std::uint64_t peak_bytes = 0;   ///< most bytes in use at once since reset_peak(); with several threads the sum of
                                  ///< each thread's own peak, an upper bound
  std::uint64_t held_bytes = 0;   ///< bytes obtained from the system, in use or cached
};

/// Totals over all threads.
Stats stats();

/// Sets the peak to what is in use now.
void reset_peak();

/// Returns the calling thread's cached large blocks, and those that no thread holds, to the system.
void trim();

/// The most bytes that the pool may hold at once, in use or cached; what would exceed it is a MemoryError. No limit at
/// first.
void set_limit(std::uint64_t bytes);

/// A block of at least `bytes`, aligned to 16, or to 64 if `bytes` is a multiple of that or above 512; MemoryError when
/// the system has none. Blocks may be released on another thread than they came from.
void* allocate(std::size_t bytes);
void release(void* block, std::size_t bytes) noexcept;

/// While it lives, tensors and nodes that this thread makes may take `bytes` more than it holds now; beyond that a
/// MemoryError is thrown. Of two that nest the inner one counts.
class Limit {
 public:
  explicit Limit(std::uint64_t bytes);
  ~Limit();
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  std::uint64_t outer_limit_, outer_peak_;
};

}  // namespace tapegrad::memory
