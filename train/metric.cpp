#include <tapegrad/train/metric.hpp>

#include <fmt/format.h>

#include <cmath>
#include <tapegrad/core/error.hpp>
#include <tapegrad/train/internal/gathering.hpp>

namespace tapegrad::train {
namespace {

// Counts hits among samples.
class HitRate : public GatheringMetric {
 protected:
  void count(bool hit) {
    hits_ += hit;
    ++seen_;
  }

  std::optional<double> figure() const override {
    return seen_ == 0 ? std::nullopt : std::optional(static_cast<double>(hits_) / static_cast<double>(seen_));
  }
  std::vector<double> gathered() const override { return {static_cast<double>(hits_), static_cast<double>(seen_)}; }
  bool take_up(std::span<const double> numbers) override {
    if (numbers.size() != 2 || !is_count(numbers[0]) || !is_count(numbers[1]) || numbers[0] > numbers[1]) return false;
    hits_ = static_cast<std::int64_t>(numbers[0]);
    seen_ = static_cast<std::int64_t>(numbers[1]);
    return true;
  }

 private:
  std::int64_t hits_ = 0, seen_ = 0;
};

class TopK final : public HitRate {
 public:
  explicit TopK(std::int64_t k) : k_(k) {}
  std::string name() const override { return k_ == 1 ? "accuracy" : fmt::format("top_{}_accuracy", k_); }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<TopK>(k_); }

 private:
  bool gather(const Tensor& outputs, const Tensor& targets) override {
    const auto classes = outputs.rank() == 2 ? classes_of(name(), outputs, targets) : std::nullopt;
    if (!classes) return false;
    for_each_row(outputs, [&](std::size_t sample, std::span<const double> scores) {
      if (const std::int64_t target = (*classes)[sample]; target != kNone)
        count(answer_of(scores) != kNone && ahead_of(static_cast<std::size_t>(target), scores) < k_);
    });
    return true;
  }

  // Ties go to the first, as argmax has it.
  static std::int64_t ahead_of(std::size_t target, std::span<const double> scores) {
    std::int64_t ahead = 0;
    for (std::size_t c = 0; c < scores.size(); ++c)
      ahead += scores[c] > scores[target] || (scores[c] == scores[target] && c < target);
    return ahead;
  }

  std::int64_t k_;
};

class BinaryAccuracy final : public HitRate {
 public:
  std::string name() const override { return "accuracy"; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<BinaryAccuracy>(); }

 private:
  bool gather(const Tensor& outputs, const Tensor& targets) override {
    const auto signs = signs_of(name(), outputs, targets);
    if (!signs) return false;
    const std::vector<double> o = outputs.values();
    for (std::size_t i = 0; i < o.size(); ++i) count(!std::isnan(o[i]) && (o[i] > 0) == ((*signs)[i] == 1));
    return true;
  }
};

class Rmse final : public GatheringMetric {
 public:
  std::string name() const override { return "rmse"; }
  bool higher_is_better() const override { return false; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<Rmse>(); }

 private:
  bool gather(const Tensor& outputs, const Tensor& targets) override {
    if (outputs.shape() != targets.shape()) return false;
    const std::vector<double> o = outputs.values(), t = targets.values();
    for (std::size_t i = 0; i < o.size(); ++i) sum_ += (o[i] - t[i]) * (o[i] - t[i]);
    seen_ += static_cast<double>(o.size());
    return true;
  }
  std::optional<double> figure() const override {
    return seen_ == 0 ? std::nullopt : std::optional(std::sqrt(sum_ / seen_));
  }
  std::vector<double> gathered() const override { return {sum_, seen_}; }
  bool take_up(std::span<const double> numbers) override {
    if (numbers.size() != 2 || numbers[0] < 0 || !is_count(numbers[1])) return false;
    sum_ = numbers[0];
    seen_ = numbers[1];
    return true;
  }

  double sum_ = 0, seen_ = 0;
};

class RSquared final : public GatheringMetric {
 public:
  std::string name() const override { return "r_squared"; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<RSquared>(); }

 private:
  bool gather(const Tensor& outputs, const Tensor& targets) override {
    if (outputs.shape() != targets.shape()) return false;
    const std::vector<double> o = outputs.values(), t = targets.values();
    for (std::size_t i = 0; i < o.size(); ++i) {  // Welford 1962
      const double from_old = t[i] - mean_;
      mean_ += from_old / ++seen_;
      distances_ += from_old * (t[i] - mean_);
      errors_ += (o[i] - t[i]) * (o[i] - t[i]);
    }
    return true;
  }
  std::optional<double> figure() const override {
    return distances_ > 0 ? std::optional(1 - errors_ / distances_) : std::nullopt;
  }
  std::vector<double> gathered() const override { return {seen_, mean_, distances_, errors_}; }
  bool take_up(std::span<const double> numbers) override {
    if (numbers.size() != 4 || !is_count(numbers[0]) || numbers[2] < 0 || numbers[3] < 0) return false;
    seen_ = numbers[0];
    mean_ = numbers[1];
    distances_ = numbers[2];
    errors_ = numbers[3];
    return true;
  }

  double seen_ = 0, mean_ = 0, distances_ = 0, errors_ = 0;
};

}  // namespace

std::shared_ptr<const Metric> accuracy() { return std::make_shared<TopK>(1); }

std::shared_ptr<const Metric> top_k_accuracy(std::int64_t k) {
  if (k < 1) throw ValueError(fmt::format("top_k_accuracy: k is {}; it must be at least 1", k));
  return std::make_shared<TopK>(k);
}

std::shared_ptr<const Metric> binary_accuracy() { return std::make_shared<BinaryAccuracy>(); }
std::shared_ptr<const Metric> rmse() { return std::make_shared<Rmse>(); }
std::shared_ptr<const Metric> r_squared() { return std::make_shared<RSquared>(); }

double Scores::operator[](std::string_view name) const {
  if (name == "loss") return loss;
  std::vector<std::string> names{"loss"};
  for (const auto& [metric, value] : metrics) {
    if (metric == name) return value;
    names.push_back(metric);
  }
  throw ValueError(fmt::format("Scores: no '{}'; there is {}", name, fmt::join(names, ", ")));
}

}  // namespace tapegrad::train
