// Metrics of classifiers beyond accuracy.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tapegrad/core/error.hpp>
#include <tapegrad/optim/confusion_matrix.hpp>
#include <tapegrad/optim/metric.hpp>

namespace tapegrad::optim {
namespace {

using Figure = double (ConfusionMatrix::*)(std::int64_t) const;

// A figure of each class, averaged.
class ClassFigure final : public Metric {
 public:
  ClassFigure(std::string name, Figure figure, Average average)
      : name_(std::move(name)), figure_(figure), average_(average) {}
  std::string name() const override { return name_; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<ClassFigure>(name_, figure_, average_); }

  void update(const Tensor& outputs, const Tensor& targets) override {
    if (matrix_.update(outputs, targets))
      binary_ = outputs.shape() == targets.shape() && outputs.numel() == outputs.size(0);
  }

  std::optional<double> value() const override {
    if (matrix_.total() == 0) return std::nullopt;
    if (binary_) return (matrix_.*figure_)(1);
    if (average_ == Average::micro) return matrix_.accuracy();
    double sum = 0, weights = 0;
    for (std::int64_t c = 0; c < matrix_.classes(); ++c) {
      const std::int64_t samples = matrix_.of_class(c);
      if (samples + matrix_.answered(c) == 0) continue;  // a class that does not occur
      const double weight = average_ == Average::macro ? 1 : static_cast<double>(samples);
      sum += weight * (matrix_.*figure_)(c);
      weights += weight;
    }
    return sum / weights;
  }

  std::vector<double> state() const override {
    std::vector<double> state{binary_ ? 1.0 : 0.0};
    state.insert(state.end(), matrix_.counts().begin(), matrix_.counts().end());
    return state;
  }
  void restore(std::span<const double> state) override {
    if (state.empty()) throw ValueError(name_ + ": an empty state");
    binary_ = state[0] != 0;
    std::vector<std::int64_t> counts;
    for (const double count : state.subspan(1)) counts.push_back(static_cast<std::int64_t>(count));
    matrix_.restore(std::move(counts));
  }

 private:
  std::string name_;
  Figure figure_;
  Average average_;
  ConfusionMatrix matrix_;
  bool binary_ = false;
};

// The chance that a sample of the class has a higher score than one that is not of it; ties count half.
std::optional<double> area(std::vector<std::pair<double, bool>> samples) {
  std::ranges::sort(samples, {}, &std::pair<double, bool>::first);
  double positives = 0, ranks = 0;
  for (std::size_t begin = 0, end; begin < samples.size(); begin = end) {
    double tied = 0;
    for (end = begin; end < samples.size() && samples[end].first == samples[begin].first; ++end)
      tied += samples[end].second;
    ranks += tied * static_cast<double>(begin + end + 1) / 2;  // the mean of the ranks from begin + 1 to end
    positives += tied;
  }
  const double negatives = static_cast<double>(samples.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

// Needs all scores at once: there is no exact way around keeping them.
class RocAuc final : public Metric {
 public:
  std::string name() const override { return "roc_auc"; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<RocAuc>(); }

  void update(const Tensor& outputs, const Tensor& targets) override {
    if (!targets.defined()) return;
    const bool by_class = outputs.rank() == 2 && outputs.size(1) > 1 && !is_floating(targets.dtype()) &&
                          targets.shape() == Shape{outputs.size(0)};
    if (!by_class && outputs.shape() != targets.shape()) return;
    const std::size_t classes = by_class ? static_cast<std::size_t>(outputs.size(1)) : 1;
    if (classes_ != 0 && classes != classes_) return;
    classes_ = classes;
    const std::vector<double> o = outputs.values(), t = targets.values();
    for (std::size_t row = 0; row < t.size(); ++row) {
      if (by_class && (t[row] < 0 || t[row] >= static_cast<double>(classes))) continue;
      labels_.push_back(by_class ? t[row] : t[row] > 0.5);
      const std::span<const double> scores = std::span(o).subspan(row * classes, classes);
      if (!by_class) {
        scores_.push_back(scores[0]);
        continue;
      }
      // Classes are compared between samples, so their outputs must be on one scale: probabilities.
      const double highest = *std::ranges::max_element(scores);
      double sum = 0;
      for (const double score : scores) sum += std::exp(score - highest);
      for (const double score : scores) scores_.push_back(std::exp(score - highest) / sum);
    }
  }

  std::optional<double> value() const override {
    if (classes_ == 1) return area_of(0, 1);
    if (classes_ == 2) return area_of(1, 1);
    double sum = 0;
    std::int64_t counted = 0;
    for (std::size_t c = 0; c < classes_; ++c)
      if (const auto one = area_of(c, static_cast<double>(c))) sum += *one, ++counted;
    return counted == 0 ? std::nullopt : std::optional(sum / static_cast<double>(counted));
  }

  std::vector<double> state() const override {
    std::vector<double> state{static_cast<double>(classes_)};
    state.insert(state.end(), labels_.begin(), labels_.end());
    state.insert(state.end(), scores_.begin(), scores_.end());
    return state;
  }
  void restore(std::span<const double> state) override {
    const std::size_t classes = state.empty() ? 0 : static_cast<std::size_t>(state[0]);
    if (state.empty() || (state.size() - 1) % (classes + 1) != 0)
      throw ValueError(fmt::format("roc_auc: a state of {} numbers", state.size()));
    const std::size_t rows = (state.size() - 1) / (classes + 1);
    classes_ = classes;
    labels_.assign(state.begin() + 1, state.begin() + 1 + static_cast<std::ptrdiff_t>(rows));
    scores_.assign(state.begin() + 1 + static_cast<std::ptrdiff_t>(rows), state.end());
  }

 private:
  std::optional<double> area_of(std::size_t column, double label) const {
    std::vector<std::pair<double, bool>> samples;
    for (std::size_t i = 0; i < labels_.size(); ++i)
      samples.emplace_back(scores_[i * classes_ + column], labels_[i] == label);
    return area(std::move(samples));
  }

  std::size_t classes_ = 0;
  std::vector<double> labels_, scores_;
};

class Perplexity final : public Metric {
 public:
  std::string name() const override { return "perplexity"; }
  bool higher_is_better() const override { return false; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<Perplexity>(); }

  void update(const Tensor& outputs, const Tensor& targets) override {
    if (!targets.defined() || is_floating(targets.dtype()) || outputs.rank() < 1 ||
        targets.shape() != outputs.shape().erase(outputs.rank() - 1))
      return;
    const Tensor o = outputs.contiguous();
    const std::vector<double> t = targets.values();
    const auto width = static_cast<std::size_t>(outputs.size(-1));
    dispatch_floating(o.dtype(), [&]<class T>() {
      const std::span<const T> all = o.data<T>();
      for (std::size_t row = 0; row < t.size(); ++row) {
        if (t[row] < 0 || t[row] >= static_cast<double>(width)) continue;  // what the loss ignores
        const std::span<const T> logits = all.subspan(row * width, width);
        const auto highest = static_cast<double>(*std::ranges::max_element(logits));
        double sum = 0;
        for (const T logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
        cost_ += highest + std::log(sum) - static_cast<double>(logits[static_cast<std::size_t>(t[row])]);
        ++seen_;
      }
    });
  }
  std::optional<double> value() const override {
    return seen_ == 0 ? std::nullopt : std::optional(std::exp(cost_ / seen_));
  }
  std::vector<double> state() const override { return {cost_, seen_}; }
  void restore(std::span<const double> state) override {
    if (state.size() != 2) throw ValueError(fmt::format("perplexity: a state of {} numbers; it has 2", state.size()));
    cost_ = state[0];
    seen_ = state[1];
  }

 private:
  double cost_ = 0, seen_ = 0;
};

}  // namespace

std::shared_ptr<const Metric> precision(Average average) {
  return std::make_shared<ClassFigure>("precision", &ConfusionMatrix::precision, average);
}
std::shared_ptr<const Metric> recall(Average average) {
  return std::make_shared<ClassFigure>("recall", &ConfusionMatrix::recall, average);
}
std::shared_ptr<const Metric> f1(Average average) {
  return std::make_shared<ClassFigure>("f1", &ConfusionMatrix::f1, average);
}
std::shared_ptr<const Metric> roc_auc() { return std::make_shared<RocAuc>(); }
std::shared_ptr<const Metric> perplexity() { return std::make_shared<Perplexity>(); }

}  // namespace tapegrad::optim
