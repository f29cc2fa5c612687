#pragma once
// The threads that work for operations. One call at a time has them; others, and calls from within a chunk, work alone.

#include <cstdint>

namespace tapegrad {

/// Calls `body(context, i)` for i in [0, chunks) on at most `threads` threads, the caller's included, and returns when
/// all are done. Chunks go to whoever is free: a thread that the system gives no core takes none, and is not waited
/// for. The first exception is rethrown.
void run_on_threads(std::int64_t chunks, int threads, void* context, void (*body)(void*, std::int64_t));

}  // namespace tapegrad
