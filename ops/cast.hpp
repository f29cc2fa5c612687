#pragma once
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// The same values in another dtype; itself when it has that dtype. Floats truncate towards zero when cast to integers.
Tensor cast(const Tensor& x, DType dtype);

}  // namespace tapegrad
