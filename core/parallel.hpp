#pragma once
// Work on several threads, with results that do not depend on how many.

#include <algorithm>
#include <cstdint>
#include <tapegrad/core/language.hpp>
#include <type_traits>

namespace tapegrad {

/// Threads that one operation may use, the caller's included. Starts at TAPEGRAD_NUM_THREADS, else the number of cores.
int num_threads();
/// For all operations from now on; at least 1 (ValueError).
void set_num_threads(int count);

/// While it lives, libraries that use OpenMP themselves (Eigen, oneDNN) run on the calling thread alone. Left to
/// themselves they take all cores whatever set_num_threads says, and cut their work by how many there are: other bits.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = 0;
};

/// Calls `body(i)` for i in [0, chunks), on several threads when `parallel`. What a chunk is must not depend on the
/// number of threads; then neither do the results. The first exception is rethrown.
template <class Body>
void for_chunks(std::int64_t chunks, bool parallel, Body&& body);

/// Calls `body(first, last)` for [0, n) in blocks of `block`, the last of which may be shorter; otherwise as
/// for_chunks.
template <class Body>
void for_blocks(std::int64_t n, std::int64_t block, bool parallel, Body&& body) {
  for_chunks((n + block - 1) / block, parallel, [&](std::int64_t i) { body(i * block, std::min(n, (i + 1) * block)); });
}

/// So many rows of `width` elements have about `elements`; at least one.
inline std::int64_t rows_of(std::int64_t elements, std::int64_t width) {
  return std::max<std::int64_t>(1, elements / std::max<std::int64_t>(1, width));
}

namespace detail {
void run_chunks(std::int64_t chunks, void* context, void (*body)(void*, std::int64_t));
}

template <class Body>
void for_chunks(std::int64_t chunks, bool parallel, Body&& body) {
  if (!parallel || chunks < 2 || num_threads() == 1) {
    for (std::int64_t i = 0; i < chunks; ++i) body(i);
    return;
  }
  using B = std::remove_reference_t<Body>;
  detail::run_chunks(chunks, const_cast<void*>(static_cast<const void*>(&body)),
                     [](void* context, std::int64_t i) { (*static_cast<B*>(context))(i); });
}

}  // namespace tapegrad
