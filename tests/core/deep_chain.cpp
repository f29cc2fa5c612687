// deep_chain COUNT: builds, differentiates and destroys a chain of COUNT small operations. Exits 1 if a node takes more
// than 256 bytes or the gradient is wrong. Run with a small stack, it shows that none of the three uses stack in
// proportion to depth.

#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <tapegrad/tapegrad.hpp>

int main(int argc, char** argv) {
  using namespace tapegrad;
  using Clock = std::chrono::steady_clock;
  const long count = argc > 1 ? std::atol(argv[1]) : 0;
  if (count < 5) {
    std::fputs("usage: deep_chain COUNT\n", stderr);
    return 2;
  }
  rlimit stack{};
  getrlimit(RLIMIT_STACK, &stack);
  const auto seconds = [](Clock::time_point since) {
    return std::chrono::duration<double>(Clock::now() - since).count();
  };
  const auto before = memory::stats();
  double bytes = 0, building = 0, differentiating = 0, gradient = 0;
  const auto start = Clock::now();
  Clock::time_point ending;
  {
    const Tensor x = parameter(scalar(0.5, f64));
    Tensor y = x;
    // Ops that keep nothing, their input and their output, in turn.
    const long rounds = count / 5;
    for (long i = 0; i < rounds; ++i) y = exp(sin(-(y + 1e-3))) * 0.3;
    building = seconds(start);
    bytes = static_cast<double>(memory::stats().live_bytes - before.live_bytes) / static_cast<double>(5 * rounds);
    const auto turn = Clock::now();
    y.backward();
    differentiating = seconds(turn);
    gradient = x.grad().item();
    ending = Clock::now();
  }
  const double destroying = seconds(ending);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "%ld ops, stack %ld KiB: build %.2f s, backward %.2f s, destroy %.2f s, %.0f bytes a node, peak RSS %ld MiB\n",
      count / 5 * 5, stack.rlim_cur == RLIM_INFINITY ? -1 : static_cast<long>(stack.rlim_cur / 1024), building,
      differentiating, destroying, bytes, usage.ru_maxrss / 1024);
  if (memory::stats().live_blocks != before.live_blocks) return std::fputs("blocks were not given back\n", stderr), 1;
  if (!std::isfinite(gradient)) return std::fputs("the gradient is not finite\n", stderr), 1;
  if (bytes > 256) return std::fputs("a node takes more than 256 bytes\n", stderr), 1;
  return 0;
}
