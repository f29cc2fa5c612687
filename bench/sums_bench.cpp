// Where many numbers are added: sums over each axis, scatters, gradients of tables and biases, softmax and its losses.

#include <benchmark/benchmark.h>

#include <tapegrad/tapegrad.hpp>

namespace {

using namespace tapegrad;

constexpr std::int64_t kSide = 1000;

/// The sum of a [1000, 1000] over an axis; -1 over both.
void Sum(benchmark::State& state) {
  const NoGrad off;
  const Tensor x = rand({kSide, kSide});
  const Axes axes = state.range(0) < 0 ? Axes{} : Axes{state.range(0)};
  for (auto _ : state) benchmark::DoNotOptimize(sum(x, axes));
}
BENCHMARK(Sum)->Arg(-1)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

/// The mean over the first axis of 10⁶ elements in so many columns.
void MeanOfColumns(benchmark::State& state) {
  const NoGrad off;
  const Tensor x = rand({kSide * kSide / state.range(0), state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(mean(x, {0}));
}
BENCHMARK(MeanOfColumns)->Arg(4)->Arg(100)->Unit(benchmark::kMicrosecond);

/// 10⁶ numbers into so many places.
void ScatterAdd(benchmark::State& state) {
  const NoGrad off;
  Rng rng(1);
  const Tensor x = zeros({state.range(0)}), source = rand({kSide * kSide});
  const Tensor places = randint(0, state.range(0), source.shape(), rng);
  for (auto _ : state) benchmark::DoNotOptimize(scatter_add(x, 0, places, source));
}
BENCHMARK(ScatterAdd)->Arg(1)->Arg(1000)->Arg(1000000)->Unit(benchmark::kMicrosecond);

/// The gradient of a table [20000, 16] that 8192 ids read; dense or row-sparse.
void EmbeddingGradient(benchmark::State& state) {
  Rng rng(1);
  Tensor table = parameter(rand({20000, 16}));
  const Tensor ids = randint(0, 20000, {8192}, rng), y = embedding(table, ids, {.sparse = state.range(0) != 0});
  const Tensor seed = rand(y.shape());
  for (auto _ : state) {
    y.backward(seed, {.retain_graph = true});
    table.clear_grad();
  }
}
BENCHMARK(EmbeddingGradient)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

/// The gradient of a bias [512] that was added to [512, 512].
void BiasGradient(benchmark::State& state) {
  const Tensor x = rand({512, 512}), seed = rand(x.shape());
  Tensor bias = parameter(rand({512}));
  const Tensor y = x + bias;
  for (auto _ : state) {
    y.backward(seed, {.retain_graph = true});
    bias.clear_grad();
  }
}
BENCHMARK(BiasGradient)->Unit(benchmark::kMicrosecond);

/// Of [1000, 1000], along an axis.
void Softmax(benchmark::State& state) {
  const NoGrad off;
  const Tensor x = rand({kSide, kSide});
  for (auto _ : state) benchmark::DoNotOptimize(softmax(x, static_cast<int>(state.range(0))));
}
BENCHMARK(Softmax)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

/// Of [1000, 1000] logits, with its gradient.
void CrossEntropy(benchmark::State& state) {
  Rng rng(1);
  Tensor x = parameter(rand({kSide, kSide}));
  const Tensor targets = randint(0, kSide, {kSide}, rng);
  for (auto _ : state) {
    cross_entropy(x, targets).backward();
    x.clear_grad();
  }
}
BENCHMARK(CrossEntropy)->Unit(benchmark::kMicrosecond);

/// Of vectors of 10⁶ elements.
void Dot(benchmark::State& state) {
  const NoGrad off;
  const Tensor a = rand({kSide * kSide}), b = rand({kSide * kSide});
  for (auto _ : state) benchmark::DoNotOptimize(matmul(a, b));
}
BENCHMARK(Dot)->Unit(benchmark::kMicrosecond);

}  // namespace
