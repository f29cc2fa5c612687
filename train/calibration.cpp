#include <tapegrad/train/calibration.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <tapegrad/core/error.hpp>
#include <tapegrad/train/internal/gathering.hpp>

namespace tapegrad::train {
namespace {

std::vector<double> softmax_of(std::span<const double> logits, double scale = 1) {
  const double highest = std::ranges::max(logits);
  std::vector<double> shares;
  double sum = 0;
  for (const double logit : logits) sum += shares.emplace_back(std::exp(scale * (logit - highest)));
  for (double& share : shares) share /= sum;
  return shares;
}

class CalibrationError final : public GatheringMetric {
 public:
  explicit CalibrationError(std::size_t bins) : bins_(bins) {}
  std::string name() const override { return "calibration error"; }
  bool higher_is_better() const override { return false; }
  std::unique_ptr<Metric> fresh() const override { return std::make_unique<CalibrationError>(bins_.size()); }

 private:
  struct Bin {
    double samples = 0, right = 0, probability = 0;
  };

  bool gather(const Tensor& outputs, const Tensor& targets) override {
    const auto classes = outputs.rank() == 2 ? classes_of(name(), outputs, targets) : std::nullopt;
    if (!classes) return false;
    for_each_row(outputs, [&](std::size_t sample, std::span<const double> logits) {
      const std::int64_t target = (*classes)[sample], answer = answer_of(logits);
      if (target == kNone) return;
      // Without an answer there is no probability to be right with.
      const double sure = answer == kNone ? std::numeric_limits<double>::quiet_NaN()
                                          : softmax_of(logits)[static_cast<std::size_t>(answer)];
      const auto place = std::isnan(sure) ? 0 : static_cast<std::size_t>(sure * static_cast<double>(bins_.size()));
      Bin& bin = bins_[std::min(place, bins_.size() - 1)];
      ++bin.samples;
      bin.right += answer == target;
      bin.probability += sure;
    });
    return true;
  }
  std::optional<double> figure() const override {
    double samples = 0, distance = 0;
    for (const Bin& bin : bins_) {
      samples += bin.samples;
      distance += std::abs(bin.right - bin.probability);
    }
    return samples == 0 ? std::nullopt : std::optional(distance / samples);
  }
  std::vector<double> gathered() const override {
    std::vector<double> numbers;
    for (const Bin& bin : bins_) numbers.insert(numbers.end(), {bin.samples, bin.right, bin.probability});
    return numbers;
  }
  bool take_up(std::span<const double> numbers) override {
    if (numbers.size() != 3 * bins_.size()) return false;
    for (std::size_t b = 0; b < bins_.size(); ++b) {
      const Bin bin{numbers[3 * b], numbers[3 * b + 1], numbers[3 * b + 2]};
      if (!is_count(bin.samples) || !is_count(bin.right) || bin.right > bin.samples) return false;
      bins_[b] = bin;
    }
    return true;
  }

  std::vector<Bin> bins_;
};

}  // namespace

std::shared_ptr<const Metric> calibration_error(std::int64_t bins) {
  if (bins < 1) throw ValueError(fmt::format("calibration_error: {} bins; at least 1 is needed", bins));
  return std::make_shared<CalibrationError>(static_cast<std::size_t>(bins));
}

double fit_temperature(const Tensor& logits, const Tensor& classes) {
  constexpr const char* kWho = "fit_temperature";
  const auto targets = logits.rank() == 2 ? classes_of(kWho, logits, classes) : std::nullopt;
  if (!targets) throw ValueError(fmt::format("{}: takes logits [N, C], C at least 2, and classes [N]", kWho));
  if (std::ranges::all_of(*targets, [](std::int64_t target) { return target == kNone; }))
    throw ValueError(fmt::format("{}: there are no samples", kWho));

  // The derivative of the negative log-likelihood by the scale 1 / T, which rises: what the shares expect of the
  // logits, less what the targets have.
  const auto slope = [&](double scale) {
    double sum = 0;
    for_each_row(logits, [&](std::size_t sample, std::span<const double> row) {
      if ((*targets)[sample] == kNone) return;
      const std::vector<double> shares = softmax_of(row, scale);
      const double own = row[static_cast<std::size_t>((*targets)[sample])];
      for (std::size_t c = 0; c < row.size(); ++c) sum += shares[c] * (row[c] - own);
    });
    if (!std::isfinite(sum)) throw ValueError(fmt::format("{}: logits are not finite", kWho));
    return sum;
  };
  // In ln(1 / T), with the prior's part. The best place lies between 0, the prior's, and the likelihood's.
  constexpr double kFarthest = 20, kVariance = std::numbers::ln2 * std::numbers::ln2;
  double low = -kFarthest, high = kFarthest;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2, scale = std::exp(middle);
    (scale * slope(scale) + middle / kVariance < 0 ? low : high) = middle;
  }
  return std::exp(-(low + high) / 2);
}

}  // namespace tapegrad::train
