// A model's parameters from market quotes: the SABR formula for the implied volatility of an option (Hagan, Kumar,
// Lesniewski and Woodward, 2002), written for any number, fitted by Levenberg and Marquardt's method as one operation
// of the tensor graph. The quotes are those of known parameters, rounded to a hundredth of a per cent.

#include <cmath>
#include <iostream>
#include <tapegrad/scalar/tensor.hpp>
#include <tapegrad/tapegrad.hpp>

using namespace tapegrad;

constexpr double kForward = 0.03, kYears = 2, kBeta = 0.5;

/// Of the parameters level (alpha), correlation (rho) and volatility of volatility (nu).
template <class T>
T implied_volatility(double strike, const T& level, const T& correlation, const T& wildness) {
  using std::log, std::pow, std::sqrt;
  const double mean = std::pow(kForward * strike, (1 - kBeta) / 2), distance = std::log(kForward / strike),
               skew = (1 - kBeta) * (1 - kBeta) * distance * distance;
  const T z = wildness / level * mean * distance;
  const T x = log((sqrt(1 - 2 * correlation * z + z * z) + z - correlation) / (1 - correlation));
  const T drift = (1 - kBeta) * (1 - kBeta) / 24 * level * level / (mean * mean) +
                  0.25 * correlation * kBeta * wildness * level / mean +
                  (2 - 3 * correlation * correlation) / 24 * wildness * wildness;
  return level / (mean * (1 + skew / 24 + skew * skew / 1920)) * (z / x) * (1 + drift * kYears);
}

int main() {
  const std::vector<double> strikes = {0.01, 0.015, 0.02, 0.025, 0.035, 0.04, 0.05, 0.06};
  const std::vector<double> truth = {0.04, -0.3, 0.5};
  std::vector<double> quotes;
  for (const double strike : strikes)
    quotes.push_back(std::round(1e4 * implied_volatility(strike, truth[0], truth[1], truth[2])) / 1e4);

  const auto smile = [&](const auto& p) {
    std::remove_cvref_t<decltype(p)> volatilities;
    for (const double strike : strikes) volatilities.push_back(implied_volatility(strike, p[0], p[1], p[2]));
    return volatilities;
  };
  const Tensor quoted = copy_of(quotes, Shape{std::ssize(quotes)});
  const auto model = scalars::scalar_op(smile, {.name = "smile", .shape = quoted.shape()});
  const solvers::Fit fit =
      solvers::least_squares([&](const Tensor& p) { return model(p) - quoted; }, tensor({0.03, 0.0, 0.3}, f64));

  const char* names[] = {"level", "correlation", "volatility of volatility"};
  const std::vector<double> found = fit.x.values(), errors = sqrt(diagonal(fit.covariance)).values();
  bool near = fit.end == solvers::FitEnd::converged;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    std::cout << names[i] << ' ' << found[i] << " ± " << errors[i] << ", of " << truth[i] << '\n';
    near = near && std::abs(found[i] - truth[i]) < 4 * errors[i];
  }
  std::cout << fit.iterations << " Jacobians, cost " << fit.cost << '\n';
  return near ? 0 : 1;
}
