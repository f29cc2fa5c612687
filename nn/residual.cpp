#include <tapegrad/nn/containers.hpp>

#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>

namespace tapegrad::nn {

Tensor Residual::forward(const Tensor& x) {
  const Tensor y = body(x);
  if (y.shape() != x.shape())
    throw ShapeError(describe() + ": its layers turn " + to_string(x.shape()) + " into " + to_string(y.shape()) +
                     "; they must keep the shape, so that the two can be added");
  return x + y;
}

}  // namespace tapegrad::nn
