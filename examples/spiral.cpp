// The law behind a spiral, learned from 60 points of one: dy/dt = A y³ (Chen et al., "Neural Ordinary Differential
// Equations", 2018). Gradients come from the adjoint equation, so that memory does not grow with the solver's steps.

#include <iostream>
#include <tapegrad/tapegrad.hpp>
#include <vector>

using namespace tapegrad;

int main() {
  const auto law = [](double, const Tensor& y, std::span<const Tensor> p) { return matmul(pow(y, 3), p[0]); };
  const Tensor truth = tensor({{-0.1, 2}, {-2, -0.1}}, f64), start = tensor({{2, 0}}, f64);
  std::vector<double> times;
  for (int i = 0; i < 60; ++i) times.push_back(0.05 * i);
  const Tensor observed = solvers::odeint(law, start, times, {truth});

  const Tensor a = parameter(tensor({{0, 1.8}, {-1.8, 0}}, f64), "a");
  optim::Optimizer optimizer({{"a", a}}, optim::Adam{.lr = 0.01});
  double loss = 0;
  for (int step = 0; step < 300; ++step) {
    const Tensor error = mse_loss(solvers::odeint(law, start, times, {a}), observed);
    error.backward();
    optimizer.step();
    optimizer.zero_grad();
    loss = error.item();
  }
  std::cout << "loss " << loss << ", A = " << a << '\n';
  return loss < 5e-3 && amax(abs(a.detach() - truth)).item() < 0.1 ? 0 : 1;
}
