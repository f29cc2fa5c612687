#include <tapegrad/train/internal/gathering.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>

namespace tapegrad::train {
namespace {

void require_finite(const std::string& who, double target, std::size_t sample) {
  if (!std::isfinite(target)) throw ValueError(fmt::format("{}: the target of sample {} is {}", who, sample, target));
}

bool are_probabilities(std::span<const double> row) {
  double sum = 0;
  for (const double p : row) {
    if (p < 0) return false;
    sum += p;
  }
  return std::abs(sum - 1) <= 1e-3;
}

std::optional<std::vector<std::int64_t>> most_probable(const std::string& who, const Tensor& targets) {
  std::vector<std::int64_t> classes;
  bool all = true;
  for_each_row(targets, [&](std::size_t sample, std::span<const double> row) {
    for (const double p : row) require_finite(who, p, sample);
    all = all && are_probabilities(row);
    classes.push_back(answer_of(row));
  });
  return all ? std::optional(std::move(classes)) : std::nullopt;
}

}  // namespace

std::vector<double> GatheringMetric::state() const {
  std::vector<double> state = gathered();
  state.insert(state.begin(), applies_ ? 1.0 : 0.0);
  return state;
}

void GatheringMetric::restore(std::span<const double> state) {
  if (state.empty() || (state[0] != 0 && state[0] != 1) || !take_up(state.subspan(1)))
    throw ValueError(fmt::format("{}: {} numbers are not a state of it", name(), state.size()));
  applies_ = state[0] == 1;
}

bool is_count(double value) { return value >= 0 && value <= 0x1p53 && value == std::floor(value); }

std::optional<std::vector<std::int64_t>> classes_of(const std::string& who, const Tensor& outputs,
                                                    const Tensor& targets) {
  if (outputs.rank() < 1 || outputs.size(-1) < 2) return std::nullopt;
  if (is_floating(targets.dtype()))
    return outputs.rank() == 2 && targets.shape() == outputs.shape() ? most_probable(who, targets) : std::nullopt;
  if (targets.shape() != outputs.shape().erase(outputs.rank() - 1)) return std::nullopt;
  std::vector<std::int64_t> classes;
  for (const double target : targets.values()) {
    if (target >= static_cast<double>(outputs.size(-1)))
      throw IndexError(
          fmt::format("{}: the target of sample {} is {}, but there are {} classes; a negative target "
                      "marks a sample that does not count",
                      who, classes.size(), target, outputs.size(-1)));
    classes.push_back(target < 0 ? kNone : static_cast<std::int64_t>(target));
  }
  return classes;
}

std::optional<std::vector<std::int64_t>> signs_of(const std::string& who, const Tensor& outputs,
                                                  const Tensor& targets) {
  if (outputs.shape() != targets.shape()) return std::nullopt;
  std::vector<std::int64_t> signs;
  for (const double target : targets.values()) {
    require_finite(who, target, signs.size());
    signs.push_back(target > 0.5 ? 1 : 0);
  }
  return signs;
}

std::int64_t answer_of(std::span<const double> scores) {
  if (std::ranges::any_of(scores, [](double score) { return std::isnan(score); })) return kNone;
  return std::ranges::max_element(scores) - scores.begin();
}

std::optional<Answers> answers_of(const std::string& who, const Tensor& outputs, const Tensor& targets) {
  if (!outputs.defined() || !targets.defined()) return std::nullopt;
  if (outputs.rank() == 2 && outputs.size(1) > 1 && (is_floating(targets.dtype()) || targets.rank() == 1)) {
    auto classes = classes_of(who, outputs, targets);
    if (!classes) return std::nullopt;
    Answers answers{outputs.size(1), false, std::move(*classes), {}};
    for_each_row(outputs, [&](std::size_t, std::span<const double> row) { answers.answers.push_back(answer_of(row)); });
    return answers;
  }
  auto signs = signs_of(who, outputs, targets);
  if (!signs) return std::nullopt;
  Answers answers{2, true, std::move(*signs), {}};
  for (const double output : outputs.values())
    answers.answers.push_back(std::isnan(output) ? kNone : output > 0 ? 1 : 0);
  return answers;
}

}  // namespace tapegrad::train
