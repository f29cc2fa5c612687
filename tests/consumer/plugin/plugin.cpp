// A plugin that has tapegrad inside, and shows nothing of it.

#include <tapegrad/tapegrad.hpp>

/// 2x, by a pass back through products that are large enough for several threads; -1 if exceptions do not arrive.
extern "C" __attribute__((visibility("default"))) double slope_of_square(double x) {
  using namespace tapegrad;
  try {
    ones({2}) + ones({3});
    return -1;
  } catch (const ShapeError&) {
  }
  const Tensor w = parameter(full({256, 256}, x));
  const Tensor identity = eye(256);
  sum(square(matmul(identity, w))).backward();
  return w.grad().at({255, 255});
}

/// Sets how many threads this copy of the library uses, and returns how many it used.
extern "C" __attribute__((visibility("default"))) int exchange_threads(int count) {
  const int before = tapegrad::num_threads();
  tapegrad::set_num_threads(count);
  return before;
}
