// What a detector's cells mean: which of them are to tell an object, and the boxes that they tell.

#include <algorithm>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/detector.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {
namespace {

constexpr double kMiddle = 1.5;  // cells from an object's middle to those that tell it

/// The cells that are to tell an object.
struct Assignment {
  std::vector<std::int64_t> cells;    // in [B · H · W]
  std::vector<std::int64_t> classes;  // one a cell
  std::vector<float> boxes;           // four a cell
};

Assignment assign(const Tensor& objects, std::int64_t height, std::int64_t width) {
  Assignment found;
  const std::vector<double> all = objects.values();
  const auto count = static_cast<std::size_t>(objects.size(1));
  for (std::int64_t cell = 0; cell < objects.size(0) * height * width; ++cell) {
    const double x = (static_cast<double>(cell % width) + 0.5) * Detector::kCell,
                 y = (static_cast<double>(cell / width % height) + 0.5) * Detector::kCell;
    const double *first = all.data() + static_cast<std::size_t>(cell / width / height) * count * 5, *best = nullptr;
    const auto area = [](const double* o) { return (o[2] - o[0]) * (o[3] - o[1]); };
    for (const double* o = first; o != first + 5 * count; o += 5) {
      const bool within = x > o[0] && x < o[2] && y > o[1] && y < o[3];
      const double away = std::max(std::abs(x - (o[0] + o[2]) / 2), std::abs(y - (o[1] + o[3]) / 2));
      if (o[4] >= 0 && within && away < kMiddle * Detector::kCell && (!best || area(o) < area(best))) best = o;
    }
    if (!best) continue;
    found.cells.push_back(cell);
    found.classes.push_back(static_cast<std::int64_t>(best[4]));
    for (std::size_t i = 0; i < 4; ++i) found.boxes.push_back(static_cast<float>(best[i]));
  }
  return found;
}

}  // namespace

DetectorCells Detector::cells(const Tensor& outputs) {
  if (outputs.rank() != 4 || outputs.size(1) < 5)
    throw ShapeError("Detector: outputs are " + to_string(outputs.shape()) + "; expected [B, classes + 4, H, W]");
  const std::int64_t classes = outputs.size(1) - 4, height = outputs.size(2), width = outputs.size(3);
  std::vector<float> middles;
  for (std::int64_t cell = 0; cell < height * width; ++cell)
    for (const std::int64_t place : {cell % width, cell / width})
      middles.push_back((static_cast<float>(place) + 0.5F) * kCell);
  const Tensor middle = copy_of(middles, Shape{height * width, 2});
  const Tensor rows = permute(flatten(outputs, 2), {0, 2, 1});
  const Tensor reach = softplus(slice(rows, 2, classes)) * static_cast<double>(kCell);
  return {slice(rows, 2, 0, classes), concat({middle - slice(reach, 2, 0, 2), middle + slice(reach, 2, 2)}, 2)};
}

Tensor Detector::loss(const Tensor& outputs, const Tensor& objects) {
  const auto [logits, all_boxes] = cells(outputs);
  if (objects.rank() != 3 || objects.size(2) != 5 || objects.size(0) != outputs.size(0))
    throw ShapeError("Detector: objects are " + to_string(objects.shape()) + " for " + to_string(outputs.shape()) +
                     " outputs; expected [B, n, 5]");
  const std::int64_t classes = logits.size(2);
  const Assignment told = assign(objects, outputs.size(2), outputs.size(3));
  const std::int64_t count = std::ssize(told.cells);
  const Tensor boxes = index_select(reshape(all_boxes, {-1, 4}), 0, copy_of(told.cells, Shape{count}));
  const Tensor wanted = copy_of(told.boxes, Shape{count, 4});

  std::vector<float> fits(static_cast<std::size_t>(logits.numel()));
  const Tensor fit = box_iou(boxes.detach(), wanted);
  for (std::size_t i = 0; i < told.cells.size(); ++i) {
    if (told.classes[i] >= classes)
      throw IndexError("Detector: an object of class " + std::to_string(told.classes[i]) + "; there are " +
                       std::to_string(classes));
    fits[static_cast<std::size_t>(told.cells[i] * classes + told.classes[i])] = fit.data<float>()[i];
  }
  const Tensor of_classes = focal_loss(logits, copy_of(fits, logits.shape()), {.reduction = Reduce::sum});
  const Tensor of_boxes = giou_loss(boxes, wanted, Reduce::sum);
  return (of_classes + 2 * of_boxes) / static_cast<double>(std::max<std::int64_t>(1, count));
}

std::vector<Detections> Detector::detections(const Tensor& outputs, const DetectOptions& options) {
  const NoGrad no_grad;
  const auto [logits, all_boxes] = cells(outputs);
  const std::int64_t classes = logits.size(2);
  std::vector<Detections> all;
  for (std::int64_t picture = 0; picture < outputs.size(0); ++picture) {
    const Tensor scores = sigmoid(select(logits, 0, picture)).contiguous();
    std::vector<std::int64_t> cells, labels;
    std::vector<float> likely;
    for (std::int64_t i = 0; const float score : scores.data<float>()) {
      if (score > options.least_score) {
        cells.push_back(i / classes);
        labels.push_back(i % classes);
        likely.push_back(score);
      }
      ++i;
    }
    const Shape each{std::ssize(cells)};
    const Detections found{index_select(select(all_boxes, 0, picture), 0, copy_of(cells, each)), copy_of(likely, each),
                           copy_of(labels, each)};
    const Tensor kept =
        slice(non_maximum_suppression(found.boxes, found.scores, options.overlap, found.classes), 0, 0, options.most);
    const auto pick = [&](const Tensor& t) { return index_select(t, 0, kept); };
    all.push_back({pick(found.boxes), pick(found.scores), pick(found.classes)});
  }
  return all;
}

}  // namespace tapegrad::nn::models
