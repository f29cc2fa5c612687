#include <atomic>
#include <cstdlib>
#include <string>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/thread_pool.hpp>
#include <tapegrad/core/parallel.hpp>
#include <thread>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace tapegrad {
namespace {

int initial_threads() {
  if (const char* text = std::getenv("TAPEGRAD_NUM_THREADS"))
    if (const int n = std::atoi(text); n > 0) return n;
  const unsigned cores = std::thread::hardware_concurrency();
  return cores ? static_cast<int>(cores) : 1;
}

std::atomic<int>& setting() {
  static std::atomic<int> count{initial_threads()};
  return count;
}

/// Sets how many threads OpenMP gives to those who ask on this thread; returns how many there were.
int limit_libraries([[maybe_unused]] int count) noexcept {
#ifdef _OPENMP
  const int before = omp_get_max_threads();
  omp_set_num_threads(count);
  return before;
#else
  return 0;
#endif
}

}  // namespace

int num_threads() { return setting().load(std::memory_order_relaxed); }

void set_num_threads(int count) {
  if (count < 1) throw ValueError("set_num_threads: " + std::to_string(count) + " threads; at least one is needed");
  setting().store(count, std::memory_order_relaxed);
}

OneThread::OneThread() : before_(limit_libraries(1)) {}
OneThread::~OneThread() { limit_libraries(before_); }

namespace detail {

void run_chunks(std::int64_t chunks, void* context, void (*body)(void*, std::int64_t)) {
  run_on_threads(chunks, static_cast<int>(std::min<std::int64_t>(chunks, num_threads())), context, body);
}

}  // namespace detail
}  // namespace tapegrad
