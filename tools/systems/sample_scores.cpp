#include "sample_scores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/data/loader.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "picture_sets.hpp"

namespace tapegrad::tools {
namespace {

constexpr std::int64_t kChunk = 1024;  // images compared at a time
constexpr double kSure = 0.9;

/// Rows [N, pixels] in [0, 1].
Tensor rows_of(const data::ImageDataset& set, std::int64_t first, std::int64_t last) {
  return flatten(cast(slice(set.images(), 0, first, std::min(last, set.size())), f32), 1) / 255.0;
}

double mean_distance_to_nearest(const Tensor& rows, const data::ImageDataset& train) {
  Tensor nearest;
  for (std::int64_t i = 0; i < train.size(); i += kChunk) {
    const Tensor here = amin(cdist(rows, rows_of(train, i, i + kChunk)), {1});
    nearest = nearest.defined() ? minimum(nearest, here) : here;
  }
  return mean(nearest).item();
}

/// Of all pairs of different rows.
double mean_distance(const Tensor& rows) {
  const auto count = static_cast<double>(rows.size(0));
  return sum(cdist(rows, rows)).item() / (count * (count - 1));
}

Tensor rows_where(const Tensor& rows, const std::vector<double>& classes, std::size_t wanted, std::int64_t most) {
  std::vector<std::int64_t> chosen;
  for (std::size_t i = 0; i < classes.size() && std::ssize(chosen) < most; ++i)
    if (classes[i] == static_cast<double>(wanted)) chosen.push_back(static_cast<std::int64_t>(i));
  return index_select(rows, 0, copy_of(chosen, Shape{std::ssize(chosen)}));
}

}  // namespace

SavedModel<SavedImages> load_classifier(const std::string& folder, const data::ImageDataset& set) {
  auto classifier = SavedModel<SavedImages>::load(folder, {});
  const auto& [classes, sizes, scaling, resizes] = classifier.system;
  if (std::ssize(classes) != set.classes() || sizes.height != set.height() || sizes.width != set.width() ||
      sizes.colours != set.channels())
    throw ValueError(fmt::format("{}: knows {} classes of images of {} × {} × {}; the set has {} of {} × {} × {}",
                                 folder, classes.size(), sizes.colours, sizes.height, sizes.width, set.classes(),
                                 set.channels(), set.height(), set.width()));
  return classifier;
}

SampleScores score_samples(const Tensor& samples, const data::ImageDataset& train, const data::ImageDataset& held_out,
                           const SavedModel<SavedImages>& classifier) {
  const NoGrad no_grad;
  const data::ImageDataset::Scaling& scaling = classifier.system.scaling;
  const Tensor probabilities = softmax(classifier.model->forward((samples - scaling.mean) / scaling.deviation), 1);
  const std::vector<double> best = argmax(probabilities, 1).values(), sure = amax(probabilities, {1}).values();

  const std::int64_t count = samples.size(0);
  const Tensor rows = flatten(samples, 1), real = rows_of(train, 0, 20 * kChunk);
  std::vector<double> labels = train.labels().values();
  labels.resize(static_cast<std::size_t>(real.size(0)));
  SampleScores scores;
  scores.confident = static_cast<double>(std::ranges::count_if(sure, [](double p) { return p >= kSure; })) /
                     static_cast<double>(count);
  scores.rarest = 1;
  double compared = 0;
  for (std::size_t c = 0; c < static_cast<std::size_t>(train.classes()); ++c) {
    const Tensor of_class = rows_where(rows, best, c, count), like_it = rows_where(real, labels, c, 500);
    scores.rarest = std::min(scores.rarest, static_cast<double>(of_class.size(0)) / static_cast<double>(count));
    if (of_class.size(0) < 2 || like_it.size(0) < 2) continue;
    scores.diversity += mean_distance(of_class) / mean_distance(like_it);
    ++compared;
  }
  if (compared > 0) scores.diversity /= compared;
  scores.nearest = mean_distance_to_nearest(rows, train);
  scores.nearest_held_out = mean_distance_to_nearest(rows_of(held_out, 0, count), train);
  return scores;
}

}  // namespace tapegrad::tools
