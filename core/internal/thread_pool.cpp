#include <pthread.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <mutex>
#include <system_error>
#include <tapegrad/core/internal/thread_pool.hpp>
#include <tapegrad/core/parallel.hpp>
#include <thread>
#include <vector>

namespace tapegrad {
namespace {

using Clock = std::chrono::steady_clock;

// How long one who waits keeps its core before it sleeps. To wake a core that idles costs the caller up to 40 us, and
// the gaps between the parallel parts of a training step are mostly shorter than this.
constexpr auto kPatience = std::chrono::microseconds(300);
// Looks, of some 10 ns, from one look at the clock to the next.
constexpr int kLooks = 200;
// Looks that take longer were interrupted: somebody else needs the core.
constexpr auto kInterrupted = std::chrono::microseconds(30);

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/// Waits until `value` is no longer `old`: awake for a while, unless others need the core, then asleep.
void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  const Clock::time_point start = Clock::now();
  for (Clock::time_point before = start, now; before - start < kPatience; before = now) {
    for (int look = 0; look < kLooks; ++look) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause();
    }
    now = Clock::now();
    if (now - before > kInterrupted) break;
  }
  value.wait(old, std::memory_order_acquire);
}

/// The chunks of one call. Each thread has a share of its own, so that it finds in its cache what it worked on before,
/// and then helps others with theirs.
class Job {
 public:
  Job(std::int64_t chunks, int threads, void* context, void (*body)(void*, std::int64_t))
      : context_(context), body_(body), shares_(static_cast<std::size_t>(threads)) {
    for (int i = 0; i < threads; ++i) {
      shares_[static_cast<std::size_t>(i)].next = chunks * i / threads;
      shares_[static_cast<std::size_t>(i)].end = chunks * (i + 1) / threads;
    }
  }

  int threads() const { return static_cast<int>(shares_.size()); }

  void work(int thread) {
    for (std::size_t i = 0; i < shares_.size(); ++i) {
      Share& share = shares_[(static_cast<std::size_t>(thread) + i) % shares_.size()];
      for (std::int64_t chunk; (chunk = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;) run(chunk);
    }
  }

  void finish() {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  struct alignas(64) Share {
    std::atomic<std::int64_t> next;
    std::int64_t end;
  };

  void run(std::int64_t chunk) {
    if (failed_.load(std::memory_order_relaxed)) return;
    try {
      body_(context_, chunk);
    } catch (...) {
      if (!failed_.exchange(true)) failure_ = std::current_exception();
    }
  }

  void* context_;
  void (*body_)(void*, std::int64_t);
  std::vector<Share> shares_;
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
};

thread_local bool working = false;

/// While it lives, the calling thread does not ask for the pool, and libraries do not start threads on it.
class Working {
 public:
  Working() { working = true; }
  ~Working() { working = false; }

 private:
  OneThread alone_;
};

/// While it lives, threads that are started get no signals: those are for the program's own threads.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

class Pool {
 public:
  /// False if others have the threads.
  bool run(Job& job) {
    const std::unique_lock alone(callers_, std::try_to_lock);
    if (!alone) return false;
    grow(job.threads() - 1);
    {
      const std::lock_guard lock(jobs_);
      job_ = &job;
    }
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_all();
    job.work(0);
    {
      const std::lock_guard lock(jobs_);
      job_ = nullptr;  // those who come now are too late
    }
    for (std::uint32_t busy; (busy = busy_.load(std::memory_order_acquire)) != 0;) wait_for_change(busy_, busy);
    return true;
  }

  void stop() {
    const std::lock_guard alone(callers_);
    stopped_ = true;
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  /// Where the system gives no more threads, there are fewer.
  void grow(int count) try {
    if (stopped_ || std::ssize(threads_) >= count) return;
    const NoSignals inherited;
    while (std::ssize(threads_) < count)
      threads_.emplace_back(
          [this, thread = static_cast<int>(threads_.size()) + 1, seen = calls_.load()] { serve(thread, seen); });
  } catch (const std::system_error&) {
  }

  void serve(int thread, std::uint32_t seen) {
    const Working marked;
    for (;;) {
      wait_for_change(calls_, seen);
      seen = calls_.load(std::memory_order_acquire);
      if (stopped_) return;
      Job* job = take(thread);
      if (!job) continue;
      job->work(thread);
      busy_.fetch_sub(1, std::memory_order_release);
      busy_.notify_one();
    }
  }

  Job* take(int thread) {
    const std::lock_guard lock(jobs_);
    if (!job_ || thread >= job_->threads()) return nullptr;
    busy_.fetch_add(1, std::memory_order_relaxed);
    return job_;
  }

  std::mutex callers_, jobs_;
  Job* job_ = nullptr;
  std::atomic<std::uint32_t> calls_{0}, busy_{0};
  std::atomic<bool> stopped_{false};
  std::vector<std::thread> threads_;
};

/// The pool, whose threads end when the library is unloaded. In a process that fork() made there is a new one: threads
/// do not come along.
class ThePool {
 public:
  ThePool() {
    if (!pool) pool = new Pool;
    pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });
  }
  ~ThePool() { pool->stop(); }
  static Pool& get() {
    static ThePool the_pool;
    return *pool;
  }

 private:
  // Not destroyed: a thread may still be at work in it when the program ends.
  static constinit inline Pool* pool = nullptr;
};

}  // namespace

void run_on_threads(std::int64_t chunks, int threads, void* context, void (*body)(void*, std::int64_t)) {
  if (threads > 1 && !working) {
    const Working marked;
    Job job(chunks, threads, context, body);
    if (ThePool::get().run(job)) return job.finish();
  }
  for (std::int64_t i = 0; i < chunks; ++i) body(context, i);
}

}  // namespace tapegrad
