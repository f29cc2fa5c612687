#include <tapegrad/train/metric.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <tapegrad/core/error.hpp>
#include <tapegrad/train/internal/gathering.hpp>

namespace tapegrad::train {
namespace {

constexpr std::int64_t kMostClasses = 8192;

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double ClassCounts::precision() const { return share(right, answers); }
double ClassCounts::recall() const { return share(right, samples); }
double ClassCounts::f1() const { return share(2 * right, answers + samples); }

ConfusionMatrix::ConfusionMatrix(std::int64_t classes) : classes_(classes) {
  if (classes < 0 || classes > kMostClasses)
    throw ValueError(fmt::format("ConfusionMatrix: {} classes; it holds {} at most", classes, kMostClasses));
  counts_.resize(static_cast<std::size_t>(classes * (classes + 1)));
}

bool ConfusionMatrix::update(const Tensor& outputs, const Tensor& targets) {
  const std::optional<Answers> given = answers_of("ConfusionMatrix", outputs, targets);
  if (!given) return false;
  if (classes_ == 0) *this = ConfusionMatrix(given->classes);
  if (given->classes != classes_)
    throw ShapeError(
        fmt::format("ConfusionMatrix: outputs of {} classes, where there were {}", given->classes, classes_));
  for (std::size_t i = 0; i < given->targets.size(); ++i)
    if (given->targets[i] != kNone) add(given->targets[i], given->answers[i]);
  return true;
}

void ConfusionMatrix::add(std::int64_t target, std::int64_t answer) {
  if (target < 0 || answer < kNoAnswer)
    throw IndexError(fmt::format("ConfusionMatrix: class {} answered {}", target, answer));
  if (const std::int64_t largest = std::max(target, answer); largest >= classes_) {
    ConfusionMatrix wider(std::min(largest, kMostClasses) + 1);
    for (std::int64_t t = 0; t < classes_; ++t)
      for (std::int64_t a = kNoAnswer; a < classes_; ++a) wider.counts_[wider.place(t, a)] = count(t, a);
    *this = std::move(wider);
  }
  ++counts_[place(target, answer)];
}

ClassCounts ConfusionMatrix::of(std::int64_t c) const {
  ClassCounts counts{0, 0, count(c, c)};
  for (std::int64_t a = kNoAnswer; a < classes_; ++a) counts.samples += count(c, a);
  for (std::int64_t t = 0; t < classes_; ++t) counts.answers += count(t, c);
  return counts;
}

std::int64_t ConfusionMatrix::total() const { return std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0}); }

double ConfusionMatrix::accuracy() const {
  std::int64_t right = 0;
  for (std::int64_t c = 0; c < classes_; ++c) right += count(c, c);
  return share(right, total());
}

}  // namespace tapegrad::train
