// A tape a thread.

#include <gtest/gtest.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/scalar/scalar.hpp>
#include <thread>
#include <vector>

namespace tapegrad::scalars {
namespace {

TEST(RecordingThreads, RecordApart) {
  std::vector<double> slopes(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < slopes.size(); ++i)
    threads.emplace_back([&slopes, i] {
      for (int round = 0; round < 50; ++round) {
        Recording recording;
        const Real x = recording.input(static_cast<double>(i));
        Real y = x;
        for (int k = 0; k < 1000; ++k) y = y * 0.5 + x * x;
        recording.backward(y);
        slopes[i] = recording.grad(x);
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < slopes.size(); ++i) EXPECT_NEAR(slopes[i], 4.0 * static_cast<double>(i), 1e-12);
}

TEST(RecordingThreads, RefuseEachOthersValues) {
  Recording recording;
  const Real x = recording.input(2);
  bool refused = false;
  std::thread([&] {
    Recording other;
    const Real y = other.input(1);
    try {
      Real(x * y);
    } catch (const GraphError&) {
      refused = true;
    }
  }).join();
  EXPECT_TRUE(refused);
}

TEST(RecordingThreads, ValuesOutliveTheThread) {
  Real kept;
  std::thread([&] {
    Recording recording;
    kept = recording.input(3) * 2;
  }).join();
  EXPECT_EQ(kept.value(), 6);
  EXPECT_THROW(Real(kept + 1), GraphError);
}

}  // namespace
}  // namespace tapegrad::scalars
