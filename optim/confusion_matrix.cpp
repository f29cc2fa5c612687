#include <tapegrad/optim/confusion_matrix.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tapegrad/core/error.hpp>

namespace tapegrad::optim {
namespace {

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::int64_t argmax(std::span<const double> values) { return std::ranges::max_element(values) - values.begin(); }

}  // namespace

bool ConfusionMatrix::update(const Tensor& outputs, const Tensor& targets) {
  if (!targets.defined()) return false;
  const bool indices = !is_floating(targets.dtype());
  const bool by_class = outputs.rank() == 2 && outputs.size(1) > 1 &&
                        (indices ? targets.shape() == Shape{outputs.size(0)} : targets.shape() == outputs.shape());
  if (!by_class && outputs.shape() != targets.shape()) return false;
  const std::int64_t classes = by_class ? outputs.size(1) : 2;
  if (classes_ != 0 && classes != classes_) return false;
  if (classes_ == 0) restore(std::vector<std::int64_t>(static_cast<std::size_t>(classes * classes)));
  const std::vector<double> o = outputs.values(), t = targets.values();
  if (!by_class) {
    for (std::size_t i = 0; i < o.size(); ++i) add(t[i] > 0.5, o[i] > 0);
    return true;
  }
  const auto width = static_cast<std::size_t>(classes);
  for (std::size_t row = 0; row * width < o.size(); ++row) {
    const std::int64_t target = indices ? static_cast<std::int64_t>(t[row]) : argmax({&t[row * width], width});
    if (target >= 0 && target < classes) add(target, argmax({&o[row * width], width}));
  }
  return true;
}

void ConfusionMatrix::add(std::int64_t target, std::int64_t answer) {
  const std::int64_t needed = std::max(target, answer) + 1;
  if (target < 0 || answer < 0) throw IndexError(fmt::format("ConfusionMatrix: class {} answered {}", target, answer));
  if (needed > classes_) {
    std::vector<std::int64_t> wider(static_cast<std::size_t>(needed * needed));
    for (std::int64_t t = 0; t < classes_; ++t)
      for (std::int64_t a = 0; a < classes_; ++a) wider[static_cast<std::size_t>(t * needed + a)] = count(t, a);
    counts_ = std::move(wider);
    classes_ = needed;
  }
  ++counts_[static_cast<std::size_t>(target * classes_ + answer)];
}

std::int64_t ConfusionMatrix::of_class(std::int64_t target) const {
  std::int64_t sum = 0;
  for (std::int64_t a = 0; a < classes_; ++a) sum += count(target, a);
  return sum;
}

std::int64_t ConfusionMatrix::answered(std::int64_t answer) const {
  std::int64_t sum = 0;
  for (std::int64_t t = 0; t < classes_; ++t) sum += count(t, answer);
  return sum;
}

std::int64_t ConfusionMatrix::total() const { return std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0}); }

double ConfusionMatrix::precision(std::int64_t c) const { return share(count(c, c), answered(c)); }
double ConfusionMatrix::recall(std::int64_t c) const { return share(count(c, c), of_class(c)); }
double ConfusionMatrix::f1(std::int64_t c) const { return share(2 * count(c, c), answered(c) + of_class(c)); }

double ConfusionMatrix::accuracy() const {
  std::int64_t right = 0;
  for (std::int64_t c = 0; c < classes_; ++c) right += count(c, c);
  return share(right, total());
}

void ConfusionMatrix::restore(std::vector<std::int64_t> counts) {
  const auto classes = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(counts.size()))));
  if (classes * classes != std::ssize(counts))
    throw ValueError(fmt::format("ConfusionMatrix: {} counts are no square", counts.size()));
  classes_ = classes;
  counts_ = std::move(counts);
}

}  // namespace tapegrad::optim
