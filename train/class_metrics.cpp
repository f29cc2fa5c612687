// Metrics of classifiers beyond accuracy.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/train/internal/gathering.hpp>
#include <tapegrad/train/metric.hpp>

namespace tapegrad::train {
namespace {

void require_same_classes(const Metric& metric, std::int64_t now, std::int64_t before) {
  if (now != before)
    throw ShapeError(fmt::format("{}: outputs of {} classes, where there were {}", metric.name(), now, before));
}

using Figure = double (ClassCounts::*)() const;

// A figure of each class, averaged.
class ClassFigure final : public GatheringMetric {
 public:
  ClassFigure(std::string name, Figure of_class, Average average)
      : name_(std::move(name)), figure_(of_class), average_(average) {}
  std::string name() const override { return name_; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<ClassFigure>(name_, figure_, average_); }

 private:
  bool gather(const Tensor& outputs, const Tensor& targets) override {
    const std::optional<Answers> given = answers_of(name_, outputs, targets);
    if (!given) return false;
    if (classes_.empty()) {
      classes_.resize(static_cast<std::size_t>(given->classes));
      binary_ = given->binary;
    }
    require_same_classes(*this, given->classes, std::ssize(classes_));
    for (std::size_t i = 0; i < given->targets.size(); ++i) {
      const std::int64_t target = given->targets[i], answer = given->answers[i];
      if (target == kNone) continue;
      ++at(target).samples;
      if (answer != kNone) ++at(answer).answers;
      at(target).right += target == answer;
    }
    return true;
  }

  std::optional<double> figure() const override {
    std::int64_t samples = 0, right = 0;
    double sum = 0, weights = 0;
    for (const ClassCounts& c : classes_) {
      samples += c.samples;
      right += c.right;
      if (c.samples + c.answers == 0) continue;  // a class that does not occur
      const double weight = average_ == Average::macro ? 1 : static_cast<double>(c.samples);
      sum += weight * (c.*figure_)();
      weights += weight;
    }
    if (samples == 0) return std::nullopt;
    if (binary_) return (classes_[1].*figure_)();
    if (average_ == Average::micro) return static_cast<double>(right) / static_cast<double>(samples);
    return sum / weights;
  }

  std::vector<double> gathered() const override {
    std::vector<double> numbers{binary_ ? 1.0 : 0.0};
    for (const ClassCounts& c : classes_)
      for (const std::int64_t count : {c.samples, c.answers, c.right}) numbers.push_back(static_cast<double>(count));
    return numbers;
  }
  bool take_up(std::span<const double> numbers) override {
    if (numbers.size() % 3 != 1 || !std::ranges::all_of(numbers, is_count)) return false;
    if (numbers[0] > 1 || (numbers[0] == 1 && numbers.size() != 7)) return false;
    binary_ = numbers[0] == 1;
    classes_.clear();
    const auto count = [&](std::size_t i) { return static_cast<std::int64_t>(numbers[i]); };
    for (std::size_t i = 1; i < numbers.size(); i += 3) classes_.push_back({count(i), count(i + 1), count(i + 2)});
    return true;
  }

  ClassCounts& at(std::int64_t c) { return classes_[static_cast<std::size_t>(c)]; }

  std::string name_;
  Figure figure_;
  Average average_;
  std::vector<ClassCounts> classes_;
  bool binary_ = false;
};

// The chance that a sample of the class has a higher score than one that is not of it; ties count half.
std::optional<double> area(std::vector<std::pair<double, bool>> samples) {
  const auto positives = static_cast<double>(std::ranges::count(samples, true, &std::pair<double, bool>::second));
  const double negatives = static_cast<double>(samples.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  // NaN has no place in an order.
  if (std::ranges::any_of(samples, [](const auto& sample) { return std::isnan(sample.first); }))
    return std::numeric_limits<double>::quiet_NaN();
  std::ranges::sort(samples, {}, &std::pair<double, bool>::first);
  double ranks = 0;
  for (std::size_t begin = 0, end; begin < samples.size(); begin = end) {
    double tied = 0;
    for (end = begin; end < samples.size() && samples[end].first == samples[begin].first; ++end)
      tied += samples[end].second;
    ranks += tied * static_cast<double>(begin + end + 1) / 2;  // the mean of the ranks from begin + 1 to end
  }
  return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

// Needs all scores at once: there is no exact way around keeping them.
class RocAuc final : public GatheringMetric {
 public:
  std::string name() const override { return "roc_auc"; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<RocAuc>(); }

 private:
  bool gather(const Tensor& outputs, const Tensor& targets) override {
    const bool by_class =
        outputs.rank() == 2 && outputs.size(1) > 1 && targets.rank() == 1 && !is_floating(targets.dtype());
    const auto labels = by_class ? classes_of(name(), outputs, targets) : signs_of(name(), outputs, targets);
    if (!labels) return false;
    const std::int64_t classes = by_class ? outputs.size(1) : 1;
    if (classes_ == 0) classes_ = classes;
    require_same_classes(*this, classes, classes_);
    // Classes are compared between samples, so their outputs must be on one scale: probabilities.
    const NoGrad no_grad;
    const std::vector<double> scores = (by_class ? softmax(cast(outputs, f64)) : outputs).values();
    const auto width = static_cast<std::size_t>(classes);
    for (std::size_t i = 0; i < labels->size(); ++i) {
      if ((*labels)[i] == kNone) continue;
      labels_.push_back(static_cast<double>((*labels)[i]));
      const auto own = std::span(scores).subspan(i * width, width);
      scores_.insert(scores_.end(), own.begin(), own.end());
    }
    return true;
  }

  std::optional<double> figure() const override {
    if (classes_ == 1) return area_of(0, 1);
    if (classes_ == 2) return area_of(1, 1);
    double sum = 0;
    std::int64_t counted = 0;
    for (std::int64_t c = 0; c < classes_; ++c)
      if (const auto one = area_of(c, static_cast<double>(c))) sum += *one, ++counted;
    return counted == 0 ? std::nullopt : std::optional(sum / static_cast<double>(counted));
  }

  std::vector<double> gathered() const override {
    std::vector<double> numbers{static_cast<double>(classes_)};
    numbers.insert(numbers.end(), labels_.begin(), labels_.end());
    numbers.insert(numbers.end(), scores_.begin(), scores_.end());
    return numbers;
  }
  bool take_up(std::span<const double> numbers) override {
    if (numbers.empty() || !is_count(numbers[0]) || numbers[0] >= 0x1p31) return false;
    const auto classes = static_cast<std::size_t>(numbers[0]);
    const std::span<const double> rest = numbers.subspan(1);
    if (rest.size() % (classes + 1) != 0 || (classes == 0 && !rest.empty())) return false;
    const std::size_t rows = rest.size() / (classes + 1);
    classes_ = static_cast<std::int64_t>(classes);
    labels_.assign(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(rows));
    scores_.assign(rest.begin() + static_cast<std::ptrdiff_t>(rows), rest.end());
    return true;
  }

  std::optional<double> area_of(std::int64_t column, double label) const {
    std::vector<std::pair<double, bool>> samples;
    for (std::size_t i = 0; i < labels_.size(); ++i)
      samples.emplace_back(scores_[i * static_cast<std::size_t>(classes_) + static_cast<std::size_t>(column)],
                           labels_[i] == label);
    return area(std::move(samples));
  }

  std::int64_t classes_ = 0;
  std::vector<double> labels_, scores_;
};

// ln of the target's share of the probability. Infinite logits are limits: of several +inf each has an even share.
double log_probability(std::span<const double> logits, std::int64_t target) {
  if (answer_of(logits) == kNone) return std::numeric_limits<double>::quiet_NaN();
  const double highest = std::ranges::max(logits), own = logits[static_cast<std::size_t>(target)];
  if (std::isinf(highest))
    return own == highest && highest > 0 ? -std::log(static_cast<double>(std::ranges::count(logits, highest)))
                                         : -std::numeric_limits<double>::infinity();
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit - highest);
  return own - highest - std::log(sum);
}

class Perplexity final : public GatheringMetric {
 public:
  std::string name() const override { return "perplexity"; }
  bool higher_is_better() const override { return false; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<Perplexity>(); }

 private:
  bool gather(const Tensor& outputs, const Tensor& targets) override {
    const auto classes = is_floating(targets.dtype()) ? std::nullopt : classes_of(name(), outputs, targets);
    if (!classes) return false;
    for_each_row(outputs, [&](std::size_t sample, std::span<const double> logits) {
      const std::int64_t target = (*classes)[sample];
      if (target == kNone) return;
      cost_ -= log_probability(logits, target);
      ++seen_;
    });
    return true;
  }
  std::optional<double> figure() const override {
    return seen_ == 0 ? std::nullopt : std::optional(std::exp(cost_ / seen_));
  }
  std::vector<double> gathered() const override { return {cost_, seen_}; }
  bool take_up(std::span<const double> numbers) override {
    if (numbers.size() != 2 || !is_count(numbers[1])) return false;
    cost_ = numbers[0];
    seen_ = numbers[1];
    return true;
  }

  double cost_ = 0, seen_ = 0;
};

}  // namespace

std::shared_ptr<const Metric> precision(Average average) {
  return std::make_shared<ClassFigure>("precision", &ClassCounts::precision, average);
}
std::shared_ptr<const Metric> recall(Average average) {
  return std::make_shared<ClassFigure>("recall", &ClassCounts::recall, average);
}
std::shared_ptr<const Metric> f1(Average average) {
  return std::make_shared<ClassFigure>("f1", &ClassCounts::f1, average);
}
std::shared_ptr<const Metric> roc_auc() { return std::make_shared<RocAuc>(); }
std::shared_ptr<const Metric> perplexity() { return std::make_shared<Perplexity>(); }

}  // namespace tapegrad::train
