#pragma once
// A bound on what a piece of work may take from the pool, for sizes that come from outside.

#include <cstdint>
#include <new>

namespace tapegrad::memory {

/// Thrown where a Limit is reached.
class LimitReached : public std::bad_alloc {
 public:
  const char* what() const noexcept override;
};

/// While it lives, tensors and nodes that this thread makes may take `bytes` more than it holds now. Of two that
/// nest the inner one counts.
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
