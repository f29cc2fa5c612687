#include <tapegrad/optim/metric.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/error.hpp>

namespace tapegrad::optim {
namespace {

void require_numbers(const Metric& metric, std::span<const double> state, std::size_t count) {
  if (state.size() != count)
    throw ValueError(fmt::format("{}: a state of {} numbers; it has {}", metric.name(), state.size(), count));
}

// Counts hits among samples.
class HitRate : public Metric {
 public:
  std::optional<double> value() const override {
    return seen_ == 0 ? std::nullopt : std::optional(static_cast<double>(hits_) / static_cast<double>(seen_));
  }

  std::vector<double> state() const override { return {static_cast<double>(hits_), static_cast<double>(seen_)}; }
  void restore(std::span<const double> state) override {
    require_numbers(*this, state, 2);
    hits_ = static_cast<std::int64_t>(state[0]);
    seen_ = static_cast<std::int64_t>(state[1]);
  }

 protected:
  void count(bool hit) {
    hits_ += hit;
    ++seen_;
  }

 private:
  std::int64_t hits_ = 0, seen_ = 0;
};

class TopK final : public HitRate {
 public:
  explicit TopK(std::int64_t k) : k_(k) {}
  std::string name() const override { return k_ == 1 ? "accuracy" : fmt::format("top_{}_accuracy", k_); }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<TopK>(k_); }

  void update(const Tensor& outputs, const Tensor& targets) override {
    const bool classes = !is_floating(targets.dtype());
    if (outputs.rank() != 2 ||
        (classes ? targets.shape() != Shape{outputs.size(0)} : targets.shape() != outputs.shape()))
      return;
    const Tensor o = outputs.contiguous(), t = targets.contiguous();
    dispatch_floating(o.dtype(), [&]<class T>() {
      dispatch(t.dtype(), [&]<class U>() { count_rows(o.data<T>(), t.data<U>(), o.size(0), o.size(1), classes); });
    });
  }

 private:
  template <class T, class U>
  void count_rows(std::span<const T> outputs, std::span<const U> targets, std::int64_t rows, std::int64_t width,
                  bool classes) {
    const auto w = static_cast<std::size_t>(width);
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
      const std::span<const T> scores = outputs.subspan(row * w, w);
      std::int64_t target;
      if (classes) {
        target = static_cast<std::int64_t>(targets[row]);
        if (target < 0 || target >= width) continue;  // a sample that the loss ignores
      } else {
        const auto shares = targets.subspan(row * w, w);
        target = std::ranges::max_element(shares) - shares.begin();
      }
      const T own = scores[static_cast<std::size_t>(target)];
      // Ties go to the first, as argmax has it; NaN is never a hit.
      std::int64_t ahead = std::isnan(own) ? width : 0;
      for (std::int64_t c = 0; c < width; ++c) {
        const T other = scores[static_cast<std::size_t>(c)];
        ahead += other > own || std::isnan(other) || (other == own && c < target);
      }
      count(ahead < k_);
    }
  }

  std::int64_t k_;
};

class BinaryAccuracy final : public HitRate {
 public:
  std::string name() const override { return "accuracy"; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<BinaryAccuracy>(); }
  void update(const Tensor& outputs, const Tensor& targets) override {
    if (outputs.shape() != targets.shape()) return;
    const std::vector<double> o = outputs.values(), t = targets.values();
    for (std::size_t i = 0; i < o.size(); ++i) count((o[i] > 0) == (t[i] > 0.5));
  }
};

class Rmse final : public Metric {
 public:
  std::string name() const override { return "rmse"; }
  bool higher_is_better() const override { return false; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<Rmse>(); }
  void update(const Tensor& outputs, const Tensor& targets) override {
    if (outputs.shape() != targets.shape()) return;
    const std::vector<double> o = outputs.values(), t = targets.values();
    for (std::size_t i = 0; i < o.size(); ++i) sum_ += (o[i] - t[i]) * (o[i] - t[i]);
    seen_ += std::ssize(o);
  }
  std::optional<double> value() const override {
    return seen_ == 0 ? std::nullopt : std::optional(std::sqrt(sum_ / static_cast<double>(seen_)));
  }
  std::vector<double> state() const override { return {sum_, static_cast<double>(seen_)}; }
  void restore(std::span<const double> state) override {
    require_numbers(*this, state, 2);
    sum_ = state[0];
    seen_ = static_cast<std::int64_t>(state[1]);
  }

 private:
  double sum_ = 0;
  std::int64_t seen_ = 0;
};

}  // namespace

std::shared_ptr<const Metric> accuracy() { return std::make_shared<TopK>(1); }

std::shared_ptr<const Metric> top_k_accuracy(std::int64_t k) {
  if (k < 1) throw ValueError(fmt::format("top_k_accuracy: k is {}; it must be at least 1", k));
  return std::make_shared<TopK>(k);
}

std::shared_ptr<const Metric> binary_accuracy() { return std::make_shared<BinaryAccuracy>(); }
std::shared_ptr<const Metric> rmse() { return std::make_shared<Rmse>(); }

double Scores::operator[](std::string_view name) const {
  if (name == "loss") return loss;
  std::vector<std::string> names{"loss"};
  for (const auto& [metric, value] : metrics) {
    if (metric == name) return value;
    names.push_back(metric);
  }
  throw ValueError(fmt::format("Scores: no '{}'; there is {}", name, fmt::join(names, ", ")));
}

}  // namespace tapegrad::optim
