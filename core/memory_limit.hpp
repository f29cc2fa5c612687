#pragma once
// A bound on what a piece of work may take from the pool, for sizes that come from outside.

#include <cstdint>

namespace tapegrad::memory {

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
