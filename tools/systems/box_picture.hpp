#pragma once
// Pictures with boxes around what was found in them.

#include <tapegrad/ops/detection.hpp>

namespace tapegrad::tools {

/// A picture u8 [H, W, 1 or 3] with a box around each object, in a colour a class, and its number, from 1, in the
/// box's corner: u8 [H', W', 3], enlarged by a whole number if it is small.
Tensor with_boxes(const Tensor& picture, const Detections& objects);

}  // namespace tapegrad::tools
