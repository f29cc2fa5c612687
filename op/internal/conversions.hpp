#pragma once
// The operations that the language of ops runs on arguments and tangents by itself; defined in ops/.

#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

Tensor cast(const Tensor& x, DType dtype);
Tensor broadcast_to(const Tensor& x, const Shape& shape);

}  // namespace tapegrad
