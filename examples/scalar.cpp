// docs/scalar.md shows this program.

#include <iostream>
#include <tapegrad/scalar/scalar.hpp>
#include <tapegrad/scalar/sparse.hpp>
#include <tapegrad/tapegrad.hpp>

using namespace tapegrad::scalars;
using tapegrad::Tensor, tapegrad::tensor, tapegrad::f64;

// Lines as they are on the page.
// clang-format off
int main() {
  const auto rosenbrock = [](const auto& x) {
    std::remove_cvref_t<decltype(x[0])> sum = 0;
    for (std::size_t i = 0; i + 1 < x.size(); ++i) sum += 100 * square(x[i + 1] - x[i] * x[i]) + square(1 - x[i]);
    return sum;
  };

  const std::vector<double> at = {-1, 2};
  const std::vector<double> g = gradient(rosenbrock, at);           // one reverse sweep
  const Matrix<double> h = hessian(rosenbrock, at);                 // forward over reverse
  const std::vector<double> hv = hvp(rosenbrock, at, {1.0, 0.0});   // without the matrix
  std::cout << g[0] << ' ' << h(0, 1) << ' ' << hv[0] << '\n';

  const Program slopes([&](const auto& p) { return gradient(rosenbrock, p); }, at);
  const std::vector<double> both = slopes(std::vector<double>{-1, 2, 0.5, 0.5});  // two samples
  std::cout << both[0] << ' ' << both[2] << '\n';

  Recording recording;
  const Real x = recording.input(2), y = recording.input(3);
  Real z = x * y + sin(x);  // one entry of the tape
  z /= y;
  recording.backward(z);
  std::cout << recording.grad(x) << ' ' << recording.grad(y) << '\n';

  const tapegrad::graph::ComputationGraph tape = tapegrad::graph::capture(recording, {{"x", x}, {"y", y}, {"z", z}});
  std::cout << tape.size() << " vertices\n";

  const Dual<double, 2> a(2, 0), b(3, 1);  // directions 0 and 1
  const Dual<double, 2> c = a * b + sin(a);
  std::cout << c.tangent(0) << ' ' << c.tangent(1) << '\n';

  std::vector<double> many(1000, 0.5);
  const SparseHessian curvature(rosenbrock, many);                      // the pattern and its colouring
  const Eigen::SparseMatrix<double> sparse = curvature(many);           // three products with vectors, here or elsewhere
  std::cout << curvature.colors() << ' ' << sparse.coeff(0, 1) << '\n';

  const auto decay = [](const auto& time, const auto& rate) {
    using std::exp;
    return exp(-rate * time);
  };
  Tensor rates = tensor({0.5, 0.2}, f64);
  rates.set_requires_grad();
  sum(elementwise(decay, {.name = "decay"})(tensor({1.0, 2.0}, f64), rates)).backward();
  std::cout << rates.grad().values()[0] << '\n';

  const bool right = g[0] == 396 && h(0, 1) == 400 && hv[0] == 402 && both[0] == 396 && c.tangent(1) == 2 && curvature.colors() == 3;
  return right ? 0 : 1;
}
