// Overlaps of boxes and the losses of detectors: made of other operations.

#include <tapegrad/ops/detection.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/op/attributes.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/order.hpp>
#include <tapegrad/ops/view.hpp>
#include <vector>

namespace tapegrad {
namespace {

void require_boxes(const char* op, const char* name, const Tensor& boxes) {
  if (boxes.rank() < 1 || boxes.size(-1) != 4)
    throw ShapeError(std::string(op) + ": " + name + " is " + to_string(boxes.shape()) +
                     "; boxes are [..., 4]: left, top, right, bottom");
}

struct Edges {
  explicit Edges(const Tensor& boxes)
      : left(select(boxes, -1, 0)),
        top(select(boxes, -1, 1)),
        right(select(boxes, -1, 2)),
        bottom(select(boxes, -1, 3)) {}
  Edges(Tensor l, Tensor t, Tensor r, Tensor b)
      : left(std::move(l)), top(std::move(t)), right(std::move(r)), bottom(std::move(b)) {}
  Tensor area() const { return relu(right - left) * relu(bottom - top); }
  Tensor left, top, right, bottom;
};

/// a / b, and 0 where b is.
Tensor share(const Tensor& a, const Tensor& b) { return where(b > 0, a / where(b > 0, b, 1), 0); }

struct Overlap {
  Overlap(const char* op, const Tensor& first, const Tensor& second)
      : a(checked(op, "a", first)), b(checked(op, "b", second)) {
    const Edges both(maximum(a.left, b.left), maximum(a.top, b.top), minimum(a.right, b.right),
                     minimum(a.bottom, b.bottom));
    common = both.area();
    together = a.area() + b.area() - common;
  }
  static Edges checked(const char* op, const char* name, const Tensor& boxes) {
    require_boxes(op, name, boxes);
    return Edges(boxes);
  }
  Edges a, b;
  Tensor common, together;
};

void require_vector(const char* name, const Tensor& x, std::int64_t boxes) {
  if (x.shape() != Shape{boxes})
    throw ShapeError("non_maximum_suppression: " + std::string(name) + " are " + to_string(x.shape()) + "; expected [" +
                     std::to_string(boxes) + "], one a box");
}

}  // namespace

Tensor box_iou(const Tensor& a, const Tensor& b) {
  const Overlap pair("box_iou", a, b);
  return share(pair.common, pair.together);
}

Tensor generalized_box_iou(const Tensor& a, const Tensor& b) {
  const Overlap pair("generalized_box_iou", a, b);
  const Tensor around = Edges(minimum(pair.a.left, pair.b.left), minimum(pair.a.top, pair.b.top),
                              maximum(pair.a.right, pair.b.right), maximum(pair.a.bottom, pair.b.bottom))
                            .area();
  return share(pair.common, pair.together) - share(around - pair.together, around);
}

Tensor giou_loss(const Tensor& prediction, const Tensor& target, Reduce reduction) {
  if (prediction.shape() != target.shape())
    throw ShapeError("giou_loss: the prediction is " + to_string(prediction.shape()) + ", the target " +
                     to_string(target.shape()) + "; expected a box for each");
  return reduce(1 - generalized_box_iou(prediction, target), reduction);
}

Tensor focal_loss(const Tensor& logits, const Tensor& targets, const FocalOptions& options) {
  require_not_negative("focal_loss", "gamma", options.gamma);
  if (options.alpha && !(*options.alpha >= 0 && *options.alpha <= 1))
    throw ValueError("focal_loss: alpha is " + std::to_string(*options.alpha) + "; expected a weight in [0, 1]");
  Tensor losses = binary_cross_entropy_with_logits(logits, targets, {.reduction = Reduce::none});
  if (options.gamma > 0) {
    const Tensor miss = targets - sigmoid(logits);
    losses = losses * (options.gamma == 2 ? square(miss) : pow(abs(miss), options.gamma));
  }
  if (options.alpha) losses = losses * (targets * (2 * *options.alpha - 1) + (1 - *options.alpha));
  return reduce(losses, options.reduction);
}

Tensor non_maximum_suppression(const Tensor& boxes, const Tensor& scores, double overlap, const Tensor& classes) {
  const NoGrad no_grad;
  require_boxes("non_maximum_suppression", "boxes", boxes);
  if (boxes.rank() != 2)
    throw ShapeError("non_maximum_suppression: boxes are " + to_string(boxes.shape()) + "; expected [n, 4]");
  const std::int64_t count = boxes.size(0);
  require_vector("scores", scores, count);
  if (classes.defined()) require_vector("classes", classes, count);
  if (std::isnan(overlap)) throw ValueError("non_maximum_suppression: the overlap is NaN");

  const std::vector<double> edges = boxes.values(), score = scores.values();
  const std::vector<double> labels = classes.defined() ? classes.values() : std::vector<double>(score.size());
  for (std::size_t i = 0; i < score.size(); ++i)
    if (std::isnan(score[i] + edges[4 * i] + edges[4 * i + 1] + edges[4 * i + 2] + edges[4 * i + 3]))
      throw ValueError("non_maximum_suppression: row " + std::to_string(i) + " has a NaN");
  const auto iou = [&](std::size_t i, std::size_t j) {
    const double *a = &edges[4 * i], *b = &edges[4 * j];
    const auto area = [](double l, double t, double r, double u) {
      return std::max(0.0, r - l) * std::max(0.0, u - t);
    };
    const double common = area(std::max(a[0], b[0]), std::max(a[1], b[1]), std::min(a[2], b[2]), std::min(a[3], b[3]));
    const double together = area(a[0], a[1], a[2], a[3]) + area(b[0], b[1], b[2], b[3]) - common;
    return together > 0 ? common / together : 0;
  };
  std::vector<std::int64_t> kept;
  for (const double next : argsort(scores, 0, true).values()) {
    const auto row = static_cast<std::size_t>(next);
    if (std::ranges::none_of(kept, [&](std::int64_t other) {
          const auto higher = static_cast<std::size_t>(other);
          return labels[row] == labels[higher] && iou(row, higher) > overlap;
        }))
      kept.push_back(static_cast<std::int64_t>(row));
  }
  return copy_of(kept, Shape{std::ssize(kept)});
}

}  // namespace tapegrad
