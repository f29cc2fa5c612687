// Prices of options and their Greeks by Monte Carlo: one path is recorded with its gradient, and replayed for all
// others, sixteen at a time on all threads. A call on the mean price, which has no formula; and one on the last
// price, which does: Black and Scholes, 1973.

#include <cmath>
#include <iostream>
#include <tapegrad/core/random.hpp>
#include <tapegrad/scalar/program.hpp>
#include <tapegrad/tapegrad.hpp>
#include <vector>

using namespace tapegrad::scalars;

constexpr double kStrike = 100, kYears = 1;
constexpr std::size_t kSteps = 50, kPaths = 20'000;

/// The discounted payoff. x: spot, volatility and rate, then a standard normal number for each step.
template <class T>
T payoff(const std::vector<T>& x, bool of_mean) {
  using std::exp, std::max, std::sqrt;
  const double step = kYears / kSteps;
  const T drift = (x[2] - 0.5 * x[1] * x[1]) * step, scale = x[1] * std::sqrt(step);
  T log_price = 0, sum = 0;
  for (std::size_t i = 0; i < kSteps; ++i) {
    log_price += drift + scale * x[3 + i];
    if (of_mean) sum += exp(log_price);
  }
  const T price = x[0] * (of_mean ? T(sum / double(kSteps)) : T(exp(log_price)));
  return exp(-x[2] * kYears) * max(price - kStrike, T(0));
}

struct Estimate {
  double mean = 0, error = 0;
};
/// Of price, delta, vega and rho.
std::vector<Estimate> estimate(const std::vector<double>& market, bool of_mean) {
  const std::vector<double> normals =
      tapegrad::randn({std::int64_t(kPaths * kSteps)}, tapegrad::f64, tapegrad::default_rng()).values();
  std::vector<double> paths;
  for (std::size_t p = 0; p < kPaths; ++p) {
    paths.insert(paths.end(), market.begin(), market.end());
    const auto first = normals.begin() + std::ptrdiff_t(p * kSteps);
    paths.insert(paths.end(), first, first + std::ptrdiff_t(kSteps));
  }
  const std::vector<double> one(paths.begin(), paths.begin() + std::ptrdiff_t(3 + kSteps));
  const Program program(
      [&](const auto& x) {
        const auto result = value_and_gradient([&](const auto& at) { return payoff(at, of_mean); }, x);
        return std::vector{result.value, result.gradient[0], result.gradient[1], result.gradient[2]};
      },
      one);
  const std::vector<double> results = program(paths);

  std::vector<Estimate> estimates(4);
  for (std::size_t k = 0; k < 4; ++k) {
    double sum = 0, squares = 0;
    for (std::size_t p = 0; p < kPaths; ++p) {
      sum += results[4 * p + k];
      squares += results[4 * p + k] * results[4 * p + k];
    }
    const double mean = sum / kPaths;
    estimates[k] = {mean, std::sqrt((squares / kPaths - mean * mean) / kPaths)};
  }
  return estimates;
}

int main() {
  tapegrad::seed(1);
  const std::vector<double> market = {100, 0.2, 0.03};
  const char* names[] = {"price", "delta", "vega", "rho"};
  const std::vector<Estimate> asian = estimate(market, true), european = estimate(market, false);

  const auto formula = [](const auto& x) {
    using std::exp, std::log, std::sqrt;
    const auto spread = x[1] * std::sqrt(kYears);
    const auto d = (log(x[0] / kStrike) + (x[2] + 0.5 * x[1] * x[1]) * kYears) / spread;
    return x[0] * normal_cdf(d) - kStrike * exp(-x[2] * kYears) * normal_cdf(d - spread);
  };
  const auto [price, greeks] = value_and_gradient(formula, market);
  const double exact[] = {price, greeks[0], greeks[1], greeks[2]};
  bool near = true;
  for (std::size_t k = 0; k < 4; ++k) {
    std::cout << names[k] << ": of the mean " << asian[k].mean << " ± " << asian[k].error << ", of the last "
              << european[k].mean << " ± " << european[k].error << ", by formula " << exact[k] << '\n';
    near = near && std::abs(european[k].mean - exact[k]) < 4 * european[k].error;
  }
  return near && asian[0].mean < european[0].mean ? 0 : 1;
}
