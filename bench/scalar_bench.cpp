// Scalars that differentiate, on three kernels: the value in double, and recording, sweep and read-out with Real. The
// counter is the time of one operation of the source.

#include <benchmark/benchmark.h>

#include <cmath>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/scalar/program.hpp>
#include <vector>

#include "scalar_problems.hpp"

namespace {

using namespace tapegrad::scalars;

using scalar_problems::BlackScholes, scalar_problems::LogDeterminant, scalar_problems::Rosenbrock;

/// Operations of the source.
template <class Kernel>
constexpr double kOperations = 0;
template <>
constexpr double kOperations<Rosenbrock> = 8 * 999;
template <>
constexpr double kOperations<BlackScholes> = 29 * 1000;
template <>
constexpr double kOperations<LogDeterminant> = 2.0 * 100 * 100 * 100 / 3;

template <class Kernel>
void per_operation(benchmark::State& state) {
  state.counters["per op"] = benchmark::Counter(
      kOperations<Kernel>, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

template <class Kernel>
void Value(benchmark::State& state) {
  const Kernel kernel;
  const std::vector<double>& x = kernel.inputs;
  for (auto _ : state) benchmark::DoNotOptimize(kernel.value(x));
  per_operation<Kernel>(state);
}

template <class Kernel>
void Gradient(benchmark::State& state) {
  const Kernel kernel;
  const std::vector<double>& x = kernel.inputs;
  std::size_t bytes = 0;
  for (auto _ : state) {
    Recording recording;
    std::vector<Real> inputs;
    inputs.reserve(x.size());
    for (const double v : x) inputs.push_back(recording.input(v));
    const Real y = kernel.value(inputs);
    recording.backward(y);
    double sum = 0;
    for (const Real& v : inputs) sum += recording.grad(v);
    benchmark::DoNotOptimize(sum);
    bytes = recording.bytes() + sizeof(double) * recording.statements();
  }
  per_operation<Kernel>(state);
  state.counters["bytes per op"] = static_cast<double>(bytes) / kOperations<Kernel>;
}

/// The kernel's gradient for the first `size` of its inputs, recorded once and replayed for each `size` of them, on one
/// thread.
template <class Kernel>
void replay(benchmark::State& state, std::ptrdiff_t size) {
  const Kernel kernel;
  const std::vector<double>& x = kernel.inputs;
  const auto one = [&](const auto& at) { return kernel.value(at); };
  const Program program([&](const auto& at) { return gradient(one, at); }, {x.begin(), x.begin() + size});
  const int threads = tapegrad::num_threads();
  tapegrad::set_num_threads(1);
  std::vector<double> gradients(x.size());
  for (auto _ : state) {
    program.replay(x, gradients);
    benchmark::DoNotOptimize(gradients.data());
  }
  tapegrad::set_num_threads(threads);
}

/// Of each option.
void ReplayBlackScholes(benchmark::State& state) {
  replay<BlackScholes>(state, 5);
  per_operation<BlackScholes>(state);
}

/// Of a Rosenbrock function of 10 variables, for 100 samples.
void ReplayRosenbrock(benchmark::State& state) {
  replay<Rosenbrock>(state, 10);
  state.counters["per op"] =
      benchmark::Counter(100 * 8 * 9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

BENCHMARK(ReplayBlackScholes);
BENCHMARK(ReplayRosenbrock);
BENCHMARK(Value<Rosenbrock>);
BENCHMARK(Gradient<Rosenbrock>);
BENCHMARK(Value<BlackScholes>);
BENCHMARK(Gradient<BlackScholes>);
BENCHMARK(Value<LogDeterminant>);
BENCHMARK(Gradient<LogDeterminant>);

}  // namespace
