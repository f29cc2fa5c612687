// How the end of a differential equation depends on its parameters: predators and prey (Lotka, 1925; Volterra, 1926) by
// Boost.odeint, whose steppers take any number. In forward mode all sensitivities come with the solution; in reverse
// mode the gradient of one figure does, for however many parameters.

#include <array>
#include <boost/numeric/odeint.hpp>
#include <cmath>
#include <iostream>
#include <tapegrad/scalar/scalar.hpp>
#include <vector>

namespace odeint = boost::numeric::odeint;
using namespace tapegrad::scalars;

constexpr double kStep = 0.01, kEnd = 10;

/// Prey and predators at the end, from one of each. Parameters: birth of prey, death by predators, birth by prey, death
/// of predators.
template <class T>
std::array<T, 2> populations(const std::vector<T>& p) {
  using State = std::array<T, 2>;
  State y{T(1), T(1)};
  // The third type is that of time and coefficients.
  odeint::runge_kutta4<State, double, State, double, odeint::array_algebra> stepper;
  const auto slope = [&](const State& at, State& change, double) {
    change[0] = p[0] * at[0] - p[1] * at[0] * at[1];
    change[1] = p[2] * at[0] * at[1] - p[3] * at[1];
  };
  for (int i = 0; i * kStep < kEnd; ++i) stepper.do_step(slope, y, i * kStep, kStep);
  return y;
}

int main() {
  const std::vector<double> parameters = {1.5, 1, 1, 3};

  std::vector<Dual<double, 4>> moving;
  for (int i = 0; i < 4; ++i) moving.emplace_back(parameters[static_cast<std::size_t>(i)], i);
  const auto [prey, predators] = populations(moving);
  std::cout << "prey " << prey.value() << ", predators " << predators.value() << '\n';

  const std::vector<double> g = gradient([](const auto& p) { return populations(p)[0]; }, parameters);

  // What stays the same along a solution says how precise the steps were.
  const auto energy = [&](double x, double y) {
    return parameters[2] * x - parameters[3] * std::log(x) + parameters[1] * y - parameters[0] * std::log(y);
  };
  bool right = std::abs(energy(prey.value(), predators.value()) - energy(1, 1)) < 1e-7;
  const char* names[] = {"birth of prey", "death by predators", "birth by prey", "death of predators"};
  for (int i = 0; i < 4; ++i) {
    std::vector<double> up = parameters, down = parameters;
    const auto at = static_cast<std::size_t>(i);
    up[at] += 1e-5;
    down[at] -= 1e-5;
    const double difference = (populations(up)[0] - populations(down)[0]) / 2e-5;
    std::cout << "d prey / d " << names[i] << ": forward " << prey.tangent(i) << ", reverse " << g[at] << '\n';
    right = right && std::abs(g[at] - prey.tangent(i)) < 1e-9 && std::abs(g[at] - difference) < 1e-5;
  }
  return right ? 0 : 1;
}
