// What the engine itself costs: recording, differentiating and destroying small operations, and handing work to
// threads.

#include <benchmark/benchmark.h>

#include <chrono>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/tapegrad.hpp>

namespace {

using namespace tapegrad;

constexpr int kOps = 10'000;

// A chain of mul, add and tanh on tensors of n elements: the work that bench/peers/libtorch_engine.cpp does too.
Tensor chain(const Tensor& leaf, const Tensor& constant, int ops) {
  Tensor v = leaf;
  for (int i = 0; i < ops; ++i) v = i % 3 == 0 ? v * constant : i % 3 == 1 ? v + constant : tanh(v);
  return v;
}

struct Operands {
  explicit Operands(std::int64_t n) : leaf(parameter(full({n}, 0.5))), constant(full({n}, 1.0001)), seed(ones({n})) {}
  Tensor leaf, constant, seed;
};

void per_op(benchmark::State& state) {
  state.counters["per op"] =
      benchmark::Counter(kOps, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void Record(benchmark::State& state) {
  const Operands x(state.range(0));
  for (auto _ : state) {
    Tensor v = chain(x.leaf, x.constant, kOps);
    benchmark::DoNotOptimize(v);
    state.PauseTiming();
    v = Tensor();
    state.ResumeTiming();
  }
  per_op(state);
}
BENCHMARK(Record)->Arg(1)->Arg(16)->Arg(1024)->Unit(benchmark::kMillisecond);

void Differentiate(benchmark::State& state) {
  Operands x(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    {
      const Tensor v = chain(x.leaf, x.constant, kOps);
      state.ResumeTiming();
      v.backward(x.seed);
      state.PauseTiming();
    }
    x.leaf.clear_grad();
    state.ResumeTiming();
  }
  per_op(state);
}
BENCHMARK(Differentiate)->Arg(1)->Arg(16)->Arg(1024)->Unit(benchmark::kMillisecond);

void Destroy(benchmark::State& state) {
  const Operands x(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    Tensor v = chain(x.leaf, x.constant, kOps);
    state.ResumeTiming();
    v = Tensor();
  }
  per_op(state);
}
BENCHMARK(Destroy)->Arg(1)->Unit(benchmark::kMillisecond);

void RecordWithoutGradient(benchmark::State& state) {
  const Operands x(state.range(0));
  const NoGrad off;
  for (auto _ : state) benchmark::DoNotOptimize(chain(x.leaf, x.constant, kOps));
  per_op(state);
}
BENCHMARK(RecordWithoutGradient)->Arg(1)->Unit(benchmark::kMillisecond);

void busy_for(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) continue;
}

// Twenty microseconds of work in ten chunks, so many microseconds after the last: what is more than 20 divided by the
// threads is the cost of handing it over.
void HandOver(benchmark::State& state) {
  for (auto _ : state) {
    busy_for(std::chrono::microseconds(state.range(0)));
    const auto start = std::chrono::steady_clock::now();
    for_chunks(10, true, [](std::int64_t) { busy_for(std::chrono::microseconds(2)); });
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
}
BENCHMARK(HandOver)->ArgName("gap")->Arg(10)->Arg(100)->Arg(1000)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
