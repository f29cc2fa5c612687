#include <tapegrad/train/detection.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::train {
namespace {

constexpr std::size_t kMostFound = 100;  // of a class in a picture
constexpr std::int64_t kRecalls = 100;   // steps from 0 to 1

double overlap_at(std::size_t i) { return 0.5 + 0.05 * static_cast<double>(i); }

/// Which of the detections, by falling score, take an object: `overlaps` has a row a detection.
std::vector<bool> right_ones(const std::vector<std::vector<double>>& overlaps, double least) {
  std::vector<bool> right(overlaps.size()), taken(overlaps.empty() ? 0 : overlaps[0].size());
  for (std::size_t d = 0; d < overlaps.size(); ++d) {
    double best = least;
    std::size_t object = taken.size();
    for (std::size_t o = 0; o < taken.size(); ++o)
      if (!taken[o] && overlaps[d][o] >= best) {
        best = overlaps[d][o];
        object = o;
      }
    if (object == taken.size()) continue;
    right[d] = taken[object] = true;
  }
  return right;
}

}  // namespace

AveragePrecision::AveragePrecision(std::int64_t classes) {
  if (classes < 1) throw ValueError(fmt::format("AveragePrecision: {} classes; at least 1 is needed", classes));
  classes_.resize(static_cast<std::size_t>(classes));
}

AveragePrecision::Class& AveragePrecision::of(double label) {
  if (!(label >= 0 && label < static_cast<double>(classes_.size())))
    throw IndexError(fmt::format("AveragePrecision: class {}; there are {}", label, classes_.size()));
  return classes_[static_cast<std::size_t>(label)];
}

void AveragePrecision::add(const Detections& found, const Tensor& objects) {
  if (objects.rank() != 2 || objects.size(1) != 5)
    throw ShapeError(fmt::format("AveragePrecision: objects are {}; expected [n, 5]", to_string(objects.shape())));
  const NoGrad no_grad;
  const std::vector<double> labels = found.classes.values(), scores = found.scores.values(),
                            true_labels = select(objects, 1, 4).values();
  const std::vector<double> iou =
      box_iou(unsqueeze(cast(found.boxes, f64), 1), slice(cast(objects, f64), 1, 0, 4)).values();
  for (const double label : labels) of(label);
  for (const double label : true_labels) ++of(label).objects;

  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [&](std::size_t i) { return scores[i]; });
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    const auto is_of_it = [&](double label) { return label == static_cast<double>(c); };
    std::vector<std::vector<double>> overlaps;
    const std::size_t first = classes_[c].hits.size();
    for (const std::size_t i : order) {
      if (!is_of_it(labels[i]) || overlaps.size() == kMostFound) continue;
      classes_[c].hits.push_back({scores[i], {}});
      std::vector<double>& row = overlaps.emplace_back();
      for (std::size_t o = 0; o < true_labels.size(); ++o)
        if (is_of_it(true_labels[o])) row.push_back(iou[i * true_labels.size() + o]);
    }
    for (std::size_t t = 0; t < kOverlaps; ++t) {
      const std::vector<bool> right = right_ones(overlaps, overlap_at(t));
      for (std::size_t d = 0; d < right.size(); ++d) classes_[c].hits[first + d].right[t] = right[d];
    }
  }
}

std::array<double, AveragePrecision::kOverlaps> AveragePrecision::of_class(std::int64_t label) const {
  const Class& one = classes_.at(static_cast<std::size_t>(label));
  std::array<double, kOverlaps> averages;
  averages.fill(std::numeric_limits<double>::quiet_NaN());
  if (one.objects == 0) return averages;
  std::vector<Hit> hits = one.hits;
  std::ranges::stable_sort(hits, std::ranges::greater(), &Hit::score);
  for (std::size_t t = 0; t < kOverlaps; ++t) {
    std::vector<double> recall, precision;
    double right = 0;
    for (std::size_t d = 0; d < hits.size(); ++d) {
      right += hits[d].right[t];
      recall.push_back(right / static_cast<double>(one.objects));
      precision.push_back(right / static_cast<double>(d + 1));
    }
    for (std::size_t d = precision.size(); d-- > 1;) precision[d - 1] = std::max(precision[d - 1], precision[d]);
    double sum = 0;
    for (std::int64_t r = 0; r <= kRecalls; ++r) {
      const auto place = std::ranges::lower_bound(recall, static_cast<double>(r) / static_cast<double>(kRecalls));
      if (place != recall.end()) sum += precision[static_cast<std::size_t>(place - recall.begin())];
    }
    averages[t] = sum / static_cast<double>(kRecalls + 1);
  }
  return averages;
}

std::int64_t AveragePrecision::objects(std::int64_t label) const {
  return classes_.at(static_cast<std::size_t>(label)).objects;
}

double AveragePrecision::mean_over_classes(std::size_t first, std::size_t last) const {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    if (classes_[c].objects == 0) continue;
    const auto averages = of_class(static_cast<std::int64_t>(c));
    for (std::size_t t = first; t <= last; ++t, ++count) sum += averages[t];
  }
  return sum / static_cast<double>(count);
}

double AveragePrecision::at_half() const { return mean_over_classes(0, 0); }
double AveragePrecision::mean() const { return mean_over_classes(0, kOverlaps - 1); }

}  // namespace tapegrad::train
