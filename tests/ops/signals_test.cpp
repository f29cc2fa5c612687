#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>

#include <functional>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

volatile sig_atomic_t received = 0;

/// Interrupts the thread every 50 µs of its life, with a handler that uses the stack.
class Alarms {
 public:
  Alarms() {
    struct sigaction action {};
    action.sa_flags = SA_RESTART;
    action.sa_handler = [](int) {
      volatile char frame[4096];
      for (std::size_t i = 0; i < sizeof frame; ++i) frame[i] = 1;
      received = received + 1;
    };
    sigaction(SIGALRM, &action, &before_);
    repeat(50);
  }
  ~Alarms() {
    repeat(0);
    sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  static void repeat(suseconds_t microseconds) {
    const itimerval timer{{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }

  struct sigaction before_ {};
};

void expect_undisturbed(const std::function<Tensor()>& compute) {
  const auto wanted = compute().values();
  received = 0;
  const Alarms alarms;
  while (received < 400) ASSERT_EQ(compute().values(), wanted);
}

TEST(Signals, DoNotDisturbProducts) {
  Rng rng(1);
  const Tensor a = randn({160, 96}, f32, rng), b = randn({96, 208}, f32, rng);
  expect_undisturbed([&] { return matmul(a, b); });
  expect_undisturbed([&] { return matmul(transpose(b), transpose(a)); });
}

TEST(Signals, DoNotDisturbConvolutions) {
  Rng rng(2);
  const Tensor x = parameter(randn({4, 16, 20, 20}, f32, rng)), w = parameter(randn({32, 16, 3, 3}, f32, rng));
  expect_undisturbed([&] {
    const Tensor y = conv2d(x, w, {.padding = 1});
    return concat({flatten(y), flatten(grad(sum(y * y), w))});
  });
}

}  // namespace
}  // namespace tapegrad
