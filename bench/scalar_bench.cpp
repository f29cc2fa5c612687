// Scalars that differentiate, on three kernels: the value in double, and recording, sweep and read-out with Real. The
// counter is the time of one operation of the source.

#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/scalar/program.hpp>
#include <vector>

namespace {

using namespace tapegrad::scalars;

/// H. H. Rosenbrock, 1960, in its chained form.
struct Rosenbrock {
  static constexpr std::size_t kSize = 1000;
  static constexpr double kOperations = 8 * (kSize - 1);
  static std::vector<double> inputs(std::mt19937_64& random) { return uniform(random, kSize, 0.5, 1.5); }
  template <class T>
  static T value(const std::vector<T>& x) {
    T sum = 0;
    for (std::size_t i = 0; i + 1 < x.size(); ++i) {
      const T a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
      sum += 100 * a * a + b * b;
    }
    return sum;
  }
  static std::vector<double> uniform(std::mt19937_64& random, std::size_t n, double low, double high) {
    std::uniform_real_distribution<double> draw(low, high);
    std::vector<double> x(n);
    for (double& v : x) v = draw(random);
    return x;
  }
};

/// Prices of European calls: F. Black and M. Scholes, 1973.
struct BlackScholes {
  static constexpr std::size_t kOptions = 1000;
  static constexpr double kOperations = 29 * kOptions;
  static std::vector<double> inputs(std::mt19937_64& random) {
    std::vector<double> x = Rosenbrock::uniform(random, 5 * kOptions, 0.5, 1.5);
    constexpr double kScale[] = {100, 100, 0.3, 0.03, 1};  // spot, strike, volatility, rate, time
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= kScale[i % 5];
    return x;
  }
  template <class T>
  static T value(const std::vector<T>& x) {
    using std::erfc, std::exp, std::log, std::sqrt;
    constexpr double kRootHalf = 0.70710678118654752440;
    T total = 0;
    for (std::size_t i = 0; i < x.size(); i += 5) {
      const T &spot = x[i], &strike = x[i + 1], &volatility = x[i + 2], &rate = x[i + 3], &time = x[i + 4];
      const T spread = volatility * sqrt(time);
      const T d1 = (log(spot / strike) + (rate + 0.5 * volatility * volatility) * time) / spread, d2 = d1 - spread;
      total += spot * (0.5 * erfc(-d1 * kRootHalf)) - strike * exp(-rate * time) * (0.5 * erfc(-d2 * kRootHalf));
    }
    return total;
  }
};

/// By elimination without pivoting, of a matrix with a heavy diagonal.
struct LogDeterminant {
  static constexpr std::size_t kRows = 100;
  static constexpr double kOperations = 2.0 * kRows * kRows * kRows / 3;
  static std::vector<double> inputs(std::mt19937_64& random) {
    std::vector<double> a = Rosenbrock::uniform(random, kRows * kRows, 0.5, 1.5);
    for (std::size_t i = 0; i < kRows; ++i) a[i * kRows + i] += kRows;
    return a;
  }
  template <class T>
  static T value(std::vector<T> a) {
    using std::log;
    T sum = 0;
    for (std::size_t k = 0; k < kRows; ++k) {
      const T inverse = 1 / a[k * kRows + k];
      for (std::size_t i = k + 1; i < kRows; ++i) {
        const T factor = a[i * kRows + k] * inverse;
        for (std::size_t j = k + 1; j < kRows; ++j) a[i * kRows + j] -= factor * a[k * kRows + j];
      }
      sum += log(a[k * kRows + k]);
    }
    return sum;
  }
};

template <class Kernel>
void per_operation(benchmark::State& state) {
  state.counters["per op"] = benchmark::Counter(
      Kernel::kOperations, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

template <class Kernel>
void Value(benchmark::State& state) {
  std::mt19937_64 random(1);
  const std::vector<double> x = Kernel::inputs(random);
  for (auto _ : state) benchmark::DoNotOptimize(Kernel::value(x));
  per_operation<Kernel>(state);
}

template <class Kernel>
void Gradient(benchmark::State& state) {
  std::mt19937_64 random(1);
  const std::vector<double> x = Kernel::inputs(random);
  std::size_t bytes = 0;
  for (auto _ : state) {
    Recording recording;
    std::vector<Real> inputs;
    inputs.reserve(x.size());
    for (const double v : x) inputs.push_back(recording.input(v));
    const Real y = Kernel::value(inputs);
    recording.backward(y);
    double sum = 0;
    for (const Real& v : inputs) sum += recording.grad(v);
    benchmark::DoNotOptimize(sum);
    bytes = recording.bytes() + sizeof(double) * recording.statements();
  }
  per_operation<Kernel>(state);
  state.counters["bytes per op"] = static_cast<double>(bytes) / Kernel::kOperations;
}

/// The kernel's gradient for the first `size` of its inputs, recorded once and replayed for each `size` of them, on one
/// thread.
template <class Kernel>
void replay(benchmark::State& state, std::ptrdiff_t size) {
  std::mt19937_64 random(1);
  const std::vector<double> x = Kernel::inputs(random);
  const auto one = [](const auto& at) { return Kernel::template value<std::remove_cvref_t<decltype(at[0])>>(at); };
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
