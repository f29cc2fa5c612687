#pragma once
// Boxes around objects: how far they overlap, which of several are kept, and the losses that detectors learn by. A box
// is four numbers along the last axis, in any unit: left, top, right, bottom, with left < right and top < bottom;
// others have the area 0.

#include <optional>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/ops/loss.hpp>

namespace tapegrad {

/// The area that two boxes share over that of both together, in [0, 1], 0 where both areas are: a and b are [..., 4]
/// and broadcast, to [...]. box_iou(unsqueeze(a, 1), b) compares all pairs of a [n, 4] and b [m, 4].
Tensor box_iou(const Tensor& a, const Tensor& b);

/// box_iou less the share of the smallest box around both that neither covers, in (-1, 1]: it also tells how far apart
/// two boxes are that do not meet (Rezatofighi et al. 2019).
Tensor generalized_box_iou(const Tensor& a, const Tensor& b);
/// 1 - generalized_box_iou of boxes [..., 4] of one shape (ShapeError).
Tensor giou_loss(const Tensor& prediction, const Tensor& target, Reduce reduction = Reduce::mean);

/// Of focal_loss().
struct FocalOptions {
  double gamma = 2;                  ///< how little counts what is told nearly right; 0: binary cross entropy
  std::optional<double> alpha = {};  ///< weight of targets of 1, in [0, 1]; targets of 0 weigh 1 - alpha. Else all 1
  Reduce reduction = Reduce::mean;
};
/// |y - p|^gamma times the binary cross entropy of p = sigmoid(logits) and targets y, of one shape (ShapeError): Lin et
/// al. 2017 for targets of 0 and 1; for those between, such as how well a box fits, the quality focal loss of Li et al.
/// 2020.
Tensor focal_loss(const Tensor& logits, const Tensor& targets, const FocalOptions& options = {});

/// The rows of boxes [n, 4] that stay, i64, by falling scores [n]: those that overlap none of a higher score by more
/// than `overlap`, a box_iou. With classes [n], of an integer dtype, boxes suppress their own class only. Of equal
/// scores the first counts as higher. ValueError for a score or box that is NaN. Records nothing.
Tensor non_maximum_suppression(const Tensor& boxes, const Tensor& scores, double overlap, const Tensor& classes = {});

/// What a detector finds in a picture, by falling scores.
struct Detections {
  Tensor boxes;    ///< f32 [n, 4], in pixels
  Tensor scores;   ///< f32 [n], in [0, 1]
  Tensor classes;  ///< i64 [n]
};

}  // namespace tapegrad
