// A user's program, built in each way in which the library can be used: values and gradients come back, and so do
// exceptions, from the library's binary to the program's.

#include <cmath>
#include <iostream>
#include <stdexcept>
#include <tapegrad/tapegrad.hpp>

namespace {

bool differentiates() {
  tapegrad::Tensor w = tapegrad::parameter(tapegrad::tensor({1, 2, 3}), "w");
  tapegrad::Tensor loss = tapegrad::sum(tapegrad::square(w));
  loss.backward();
  return loss.item() == 14 && w.grad().at({2}) == 6;
}

bool catches_its_exceptions() {
  const tapegrad::Tensor two = tapegrad::ones({2}), three = tapegrad::ones({3});
  try {
    two + three;
  } catch (const tapegrad::ShapeError& e) {
    std::cout << e.what() << '\n';
  }
  try {
    two + three;
  } catch (const std::runtime_error&) {
    return true;
  }
  return false;
}

}  // namespace

int main() {
  std::cout << "tapegrad " << tapegrad::version() << '\n';
  return tapegrad::version() == EXPECTED_VERSION && differentiates() && catches_its_exceptions() ? 0 : 1;
}
