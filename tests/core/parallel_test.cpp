#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <mutex>
#include <set>
#include <stdexcept>
#include <tapegrad/core/parallel.hpp>
#include <thread>
#include <vector>

namespace tapegrad::tests {
namespace {

/// Sets the number of threads while it lives.
struct Threads {
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
  int before = num_threads();
};

/// How often each of `chunks` chunks is run.
std::vector<int> runs(std::int64_t chunks) {
  std::vector<std::atomic<int>> counts(static_cast<std::size_t>(chunks));
  for_chunks(chunks, true, [&](std::int64_t i) { ++counts[static_cast<std::size_t>(i)]; });
  return {counts.begin(), counts.end()};
}

TEST(Parallel, RunsEachChunkOnceOnAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3, 8, 2}) {
    const Threads some(threads);
    for (const std::int64_t chunks : {0, 1, 2, 3, 7, 8, 1000})
      for (int again = 0; again < 20; ++again)
        EXPECT_EQ(runs(chunks), std::vector<int>(static_cast<std::size_t>(chunks), 1)) << threads << " threads";
  }
}

TEST(Parallel, UsesNoMoreThreadsThanItMay) {
  const Threads two(2);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  for (int again = 0; again < 50; ++again)
    for_chunks(64, true, [&](std::int64_t) {
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    });
  EXPECT_LE(seen.size(), 2u);
  EXPECT_TRUE(seen.contains(std::this_thread::get_id()));
}

TEST(Parallel, ThreadsComeToHelp) {
  const Threads two(2);
  // Each of two chunks waits for the other to begin.
  std::atomic<int> begun{0};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for_chunks(2, true, [&](std::int64_t) {
    ++begun;
    while (begun < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  });
  EXPECT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST(Parallel, RethrowsAnExceptionAndGoesOn) {
  const Threads two(2);
  for (int again = 0; again < 50; ++again) {
    EXPECT_THROW(for_chunks(16, true,
                            [](std::int64_t i) {
                              if (i % 5 == 3) throw std::runtime_error("chunk");
                            }),
                 std::runtime_error);
    EXPECT_EQ(runs(16), std::vector<int>(16, 1));
  }
}

TEST(Parallel, WithinAChunkStaysOnItsThread) {
  const Threads two(2);
  std::atomic<int> strangers{0};
  for_chunks(8, true, [&](std::int64_t) {
    const auto self = std::this_thread::get_id();
    for_chunks(8, true, [&](std::int64_t) { strangers += std::this_thread::get_id() != self; });
  });
  EXPECT_EQ(strangers, 0);
}

TEST(Parallel, ServesCallersOnSeveralThreads) {
  const Threads two(2);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int again = 0; again < 200; ++again) wrong += runs(17) != std::vector<int>(17, 1);
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Parallel, LeavesSignalsToTheProgram) {
  const Threads two(2);
  std::atomic<int> open{0};
  const auto self = std::this_thread::get_id();
  for (int again = 0; again < 50; ++again)
    for_chunks(16, true, [&](std::int64_t) {
      sigset_t blocked;
      pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
      if (std::this_thread::get_id() != self) open += !sigismember(&blocked, SIGINT);
    });
  EXPECT_EQ(open, 0);
}

TEST(Parallel, WorksInAChildOfFork) {
  const Threads two(2);
  ASSERT_EQ(runs(8), std::vector<int>(8, 1));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(runs(8) == std::vector<int>(8, 1) ? 0 : 1);
  int status = -1;
  for (int i = 0; i < 300 && ::waitpid(child, &status, WNOHANG) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  if (status == -1) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tapegrad::tests
