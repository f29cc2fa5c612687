// Gradients of the functions in scalar_problems.hpp by tapegrad's Real and by Stan Math, ADOL-C and Sacado: recording,
// sweep and read-out, on one thread. The counter is the time over that of the function in double.

#include <adolc/adolc.h>
#include <benchmark/benchmark.h>
#include <Sacado_trad.hpp>

#include <ctime>
#include <stan/math/rev/core.hpp>
#include <stan/math/rev/scal.hpp>
#include <tapegrad/scalar/recording.hpp>
#include <tapegrad/scalar/scalar.hpp>

#include "../scalar_problems.hpp"

namespace {

using Inputs = std::vector<double>;

struct Tapegrad {
  static constexpr const char* kName = "tapegrad";
  template <class Problem>
  void gradient(const Problem& problem, Inputs& g) {
    tapegrad::scalars::Recording recording;
    std::vector<tapegrad::scalars::Real> x;
    x.reserve(g.size());
    for (const double v : problem.inputs) x.push_back(recording.input(v));
    recording.backward(tapegrad::scalars::Real(problem.value(x)));
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = recording.grad(x[i]);
  }
};

struct Stan {
  static constexpr const char* kName = "Stan";
  template <class Problem>
  void gradient(const Problem& problem, Inputs& g) {
    const std::vector<stan::math::var> x(problem.inputs.begin(), problem.inputs.end());
    stan::math::var y = problem.value(x);
    y.grad();
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = x[i].adj();
    stan::math::recover_memory();
  }
};

struct AdolC {
  static constexpr const char* kName = "ADOL-C";
  template <class Problem>
  void gradient(const Problem& problem, Inputs& g) {
    trace_on(1);
    {
      std::vector<adouble> x(g.size());
      for (std::size_t i = 0; i < g.size(); ++i) x[i] <<= problem.inputs[i];
      adouble y = problem.value(x);
      double value;
      y >>= value;
    }
    trace_off();
    ::gradient(1, static_cast<int>(g.size()), problem.inputs.data(), g.data());
  }
};

struct SacadoRad {
  static constexpr const char* kName = "Sacado";
  template <class Problem>
  void gradient(const Problem& problem, Inputs& g) {
    using Number = Sacado::Rad::ADvar<double>;
    const std::vector<Number> x(problem.inputs.begin(), problem.inputs.end());
    Number y = problem.value(x);
    Number::Outvar_Gradcomp(y);
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = x[i].adj();
  }
};

/// Of this thread on a processor, so that other processes do not count.
double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Problem>
double seconds_in_double(const Problem& problem) {
  double best = 1e9;
  for (int i = 0; i < 20; ++i) {
    const double start = seconds();
    benchmark::DoNotOptimize(problem.value(problem.inputs));
    best = std::min(best, seconds() - start);
  }
  return best;
}

template <class Problem, class Engine>
void Gradient(benchmark::State& state) {
  const Problem problem;
  Inputs g(problem.inputs.size()), ours(problem.inputs.size());
  Engine engine;
  engine.gradient(problem, g);
  Tapegrad().gradient(problem, ours);
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    largest = std::max(largest, std::abs(ours[i]));
    difference = std::max(difference, std::abs(ours[i] - g[i]));
  }
  if (difference > 1e-9 * largest) return state.SkipWithError("another gradient");
  const double start = seconds();
  for (auto _ : state) {
    engine.gradient(problem, g);
    benchmark::DoNotOptimize(g.data());
  }
  const double taken = seconds() - start;
  state.counters["times double"] = taken / static_cast<double>(state.iterations()) / seconds_in_double(problem);
}

template <class Problem, class... Engines>
void add(const std::string& problem) {
  (benchmark::RegisterBenchmark((problem + "/" + Engines::kName).c_str(), Gradient<Problem, Engines>), ...);
}
template <class Problem>
void add_all(const std::string& problem) {
  add<Problem, Tapegrad, Stan, AdolC, SacadoRad>(problem);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace scalar_problems;
  add_all<Rosenbrock>("Rosenbrock");
  add<BlackScholes, Tapegrad, Stan>("Black-Scholes");  // the others have no erfc
  add_all<LogDeterminant>("log-determinant");
  add_all<LogSumExp>("log-sum-exp");
  add_all<LeastSquares>("least squares");
  add_all<KMeans>("k-means");
  add_all<GaussianMixture>("Gaussian mixture");
  add_all<BundleAdjustment>("bundle adjustment");
  add<HandTracking, Tapegrad, Stan, AdolC>("hand tracking");  // Sacado's number is not assigned from a temporary
  add_all<Lstm>("LSTM");
  add_all<Ode>("Lorenz 96");
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
