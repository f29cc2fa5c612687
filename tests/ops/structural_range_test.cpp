// Structural ops in f32 against f64 over the whole range of f32: see range_test.cpp. Their samples are multiplied by
// powers of two, all inputs alike and each by another, and spread so that every element is in a binade of its own.

#include <gtest/gtest.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradient_check.hpp>

#include "range.hpp"

namespace tapegrad::tests {
namespace {

using Tensors = std::vector<Tensor>;
using Numbers = std::vector<double>;

constexpr std::int64_t kMostElements = 24;
constexpr std::size_t kMostSamples = 3;

class StructuralRange : public ::testing::TestWithParam<const OpEntry*> {
 protected:
  const OpInfo& info() const { return GetParam()->info(); }
  bool moves(std::size_t input, const Tensor& t) const {
    return t.defined() && is_floating(t.dtype()) && !GetParam()->record->fixed.has(static_cast<int>(input));
  }

  /// The value, then the gradient of each input that has one. The cotangent is one everywhere, or at one element; then
  /// `moved` is added to one of its elements, or to none (-1).
  struct Cotangent {
    std::int64_t only = -1, moved = -1;
    double by = 0;

    Tensor like(const Tensor& y) const {
      Numbers g(static_cast<std::size_t>(y.numel()), only < 0 ? 1 : 0);
      if (only >= 0) g[static_cast<std::size_t>(only)] = 1;
      if (moved >= 0) g[static_cast<std::size_t>(moved)] *= 1 + by;
      return cast(copy_of(std::span<const double>(g), y.shape()), y.dtype());
    }
  };
  std::vector<Numbers> results(const Sample& sample, const Tensors& inputs, const Cotangent& cotangent,
                               DType dtype) const {
    Tensors at, moving;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      at.push_back(inputs[i].defined() && is_floating(inputs[i].dtype()) ? cast(inputs[i], dtype) : inputs[i]);
      if (info().differentiable && moves(i, inputs[i])) {
        at[i] = parameter(at[i].detach());
        moving.push_back(at[i]);
      }
    }
    const Tensor y = testing::in_one(sample.call(at));
    std::vector<Numbers> all{y.values()};
    if (!y.requires_grad()) return all;
    const Tensor given = cotangent.like(y);
    for (const Tensor& g : grad({&y, 1}, moving, {&given, 1})) all.push_back(g.to_dense().values());
    return all;
  }

  /// Partial sums are of the dtype, so that one of them may leave its range where Σ|terms| does (decision 0017).
  static bool may_overflow(double terms) { return terms > std::numeric_limits<float>::max(); }

  static Tensor with(const Tensor& t, const Numbers& values) {
    return copy_of(std::span<const double>(values), t.shape());
  }

  /// How far every result moves when an element of an input or of the cotangent does, by a part of itself or of the
  /// largest.
  std::vector<Numbers> movements(const Sample& sample, const Tensors& inputs, const Cotangent& cotangent,
                                 const std::vector<Numbers>& truth) const {
    constexpr double kStep = 0x1p-20;
    std::vector<Numbers> movement;
    for (const Numbers& r : truth) movement.emplace_back(r.size(), 0.0);
    const auto add = [&](const std::vector<Numbers>& there) {
      for (std::size_t r = 0; r < truth.size(); ++r)
        for (std::size_t k = 0; k < truth[r].size(); ++k)
          if (const double change = std::abs(there[r][k] - truth[r][k]) / kStep; !std::isnan(change))
            movement[r][k] += change;
    };
    for (std::size_t e = 0; e < truth[0].size() && truth.size() > 1; ++e)
      if (const auto element = static_cast<std::int64_t>(e); cotangent.only < 0 || cotangent.only == element)
        add(results(sample, inputs, {cotangent.only, element, kStep}, f64));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!moves(i, inputs[i])) continue;
      const Numbers values = inputs[i].values();
      double largest = 0;
      for (const double x : values) largest = std::max(largest, std::abs(x));
      for (std::size_t e = 0; e < values.size(); ++e) {
        Numbers moved = values;
        moved[e] += kStep * (info().accuracy.normwise ? largest : values[e]);
        if (moved[e] == values[e]) continue;
        Tensors at = inputs;
        at[i] = with(inputs[i], moved);
        add(results(sample, at, cotangent, f64));
      }
    }
    if (!info().accuracy.normwise) return movement;
    for (std::size_t r = 0; r < truth.size(); ++r) {
      double most = 0;
      for (std::size_t k = 0; k < truth[r].size(); ++k)
        most = std::max({most, movement[r][k], std::isfinite(truth[r][k]) ? std::abs(truth[r][k]) : 0});
      std::fill(movement[r].begin(), movement[r].end(), most);
    }
    return movement;
  }

  /// f32's numbers, times 2 to the power that `exponent(input)` says for each element, in f64.
  template <class Exponent>
  Tensors scaled(const Tensors& inputs, const Exponent& exponent) const {
    Tensors all = inputs;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!moves(i, all[i])) continue;
      Numbers values = inputs[i].values();
      for (double& x : values) {
        const auto single = static_cast<float>(std::ldexp(static_cast<float>(x), exponent(i)));
        x = std::clamp(single, -std::numeric_limits<float>::max(), std::numeric_limits<float>::max());
      }
      all[i] = with(inputs[i], values);
    }
    return all;
  }

  static std::string describe(const Tensors& inputs) {
    std::string text;
    for (const Tensor& t : inputs) {
      if (!t.defined()) continue;
      text += " [";
      for (const double x : t.values()) text += (text.ends_with('[') ? "" : " ") + number(x);
      text += "]";
    }
    return text;
  }

  /// The points at which a sample is tried.
  std::vector<Tensors> points(const Tensors& inputs) const {
    std::vector<Tensors> all;
    for (int k = -149; k <= 127; k += 12) all.push_back(scaled(inputs, [k](std::size_t) { return k; }));
    for (const int k : {-150, -126, -60, 0, 60, 126})
      for (const int apart : {-60, 60})
        if (inputs.size() > 1) all.push_back(scaled(inputs, [&](std::size_t i) { return i == 0 ? k : k + apart; }));
    Noise noise(2);
    const auto any = [&](int low, int high) {
      return [&noise, low, high](std::size_t) {
        return low + static_cast<int>(noise.uniform() * static_cast<double>(high - low));
      };
    };
    for (int i = 0; i < 8; ++i) all.push_back(scaled(inputs, any(-149, 127)));
    for (int i = 0; i < 8; ++i) all.push_back(scaled(inputs, any(-20, 8)));
    return all;
  }
};

TEST_P(StructuralRange, F32AgainstF64) {
  Rng rng(4);
  std::size_t samples = 0, points_tried = 0;
  std::vector<Worst> worst;
  for (const Sample& sample : GetParam()->samples(rng)) {
    std::int64_t elements = 0;
    bool some = false, empty = false;
    for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
      if (!sample.inputs[i].defined()) continue;
      some |= moves(i, sample.inputs[i]);
      empty |= sample.inputs[i].numel() == 0;
      elements += sample.inputs[i].numel();
    }
    if (!some || empty || (elements > kMostElements && samples > 0) || samples == kMostSamples) continue;
    ++samples;
    const std::int64_t outputs = testing::in_one(sample.call(sample.inputs)).numel();
    if (outputs == 0) continue;
    for (const Tensors& at : points(sample.inputs))
      for (const Cotangent& cotangent : {Cotangent{}, Cotangent{.only = outputs / 2}}) {
        std::vector<Numbers> truth, got, movement;
        try {
          truth = results(sample, at, cotangent, f64);
          got = results(sample, at, cotangent, f32);
          movement = movements(sample, at, cotangent, truth);
        } catch (const Error&) {
          continue;  // refused: no number is wrong
        }
        ++points_tried;
        worst.resize(std::max(worst.size(), truth.size()));
        for (std::size_t r = 0; r < truth.size(); ++r)
          for (std::size_t k = 0; k < truth[r].size(); ++k) {
            if (may_overflow(movement[r][k]) && !std::isfinite(got[r][k])) continue;
            worst[r].add(error_of<float>(got[r][k], {truth[r][k], movement[r][k]}, info().accuracy.ulps), [&] {
              return "sample " + std::to_string(samples) + ", element " + std::to_string(k) + describe(at) + " gives " +
                     number(got[r][k]) + ", not " + number(truth[r][k]);
            });
          }
      }
  }
  for (std::size_t r = 0; r < worst.size(); ++r)
    worst[r].expect_right(r == 0 ? "value" : "gradient " + std::to_string(r - 1));
  if (samples > 0) {
    EXPECT_GT(points_tried, 0u) << "refused everywhere";
  }
}

// All but those that say where no bound holds.
std::vector<const OpEntry*> structural_ops() {
  std::vector<const OpEntry*> ops;
  for (const OpEntry* op : all_ops())
    if (!op->pointwise && std::isfinite(op->info().accuracy.ulps)) ops.push_back(op);
  return ops;
}
INSTANTIATE_TEST_SUITE_P(All, StructuralRange, ::testing::ValuesIn(structural_ops()),
                         [](const auto& one) { return std::string(one.param->info().name); });

}  // namespace
}  // namespace tapegrad::tests
