// bench/engine_bench.cpp's work on libtorch, to be run beside it.

#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace {

constexpr int kOps = 10'000;

torch::Tensor chain(const torch::Tensor& leaf, const torch::Tensor& constant) {
  torch::Tensor v = leaf;
  for (int i = 0; i < kOps; ++i) v = i % 3 == 0 ? v * constant : i % 3 == 1 ? v + constant : torch::tanh(v);
  return v;
}

struct Operands {
  explicit Operands(std::int64_t n)
      : leaf(torch::full({n}, 0.5).set_requires_grad(true)),
        constant(torch::full({n}, 1.0001)),
        seed(torch::ones({n})) {}
  torch::Tensor leaf, constant, seed;
};

void per_op(benchmark::State& state) {
  state.counters["per op"] =
      benchmark::Counter(kOps, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void Record(benchmark::State& state) {
  torch::set_num_threads(1);
  const Operands x(state.range(0));
  for (auto _ : state) {
    torch::Tensor v = chain(x.leaf, x.constant);
    state.PauseTiming();
    v = torch::Tensor();
    state.ResumeTiming();
  }
  per_op(state);
}
BENCHMARK(Record)->Arg(1)->Arg(16)->Arg(1024)->Unit(benchmark::kMillisecond);

void Differentiate(benchmark::State& state) {
  torch::set_num_threads(1);
  Operands x(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    {
      const torch::Tensor v = chain(x.leaf, x.constant);
      state.ResumeTiming();
      v.backward(x.seed);
      state.PauseTiming();
    }
    x.leaf.mutable_grad() = torch::Tensor();
    state.ResumeTiming();
  }
  per_op(state);
}
BENCHMARK(Differentiate)->Arg(1)->Arg(16)->Arg(1024)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
