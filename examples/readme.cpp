#include <iostream>
#include <tapegrad/graph/graph.hpp>
#include <tapegrad/tapegrad.hpp>
using namespace tapegrad;

int main() {
  Tensor x = tensor({1, 0, 0, 1, 1, 1}, {3, 2}), y = tensor({1, 2, 3}, {3, 1});
  Tensor w = parameter(zeros({2, 1}), "w");
  for (int step = 0; step < 200; ++step) {
    Tensor loss = mean(square(matmul(x, w) - y));
    loss.backward();
    w.copy_from(w.detach() - 0.2 * w.grad());
    w.clear_grad();
  }
  std::cout << round(1000 * w) / 1000 << '\n';
  auto f = [&](const Tensor& v) { return mean(square(matmul(x, v) - y)); };
  std::cout << hessian(f, w) << '\n';
  graph::save(f(w), "loss.mmd");
}
