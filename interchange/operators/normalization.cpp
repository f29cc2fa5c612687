// Normalisation and losses.

#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/normalization.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/sampling.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

Axes all_but_channels(const Tensor& x) {
  Axes axes;
  for (int i = 0; i < x.rank(); ++i)
    if (i != 1) axes.push_back(i);
  return axes;
}

/// Outputs beside y: running statistics, in training; in opsets before 14 also the saved ones, which nobody has read.
std::vector<Value> batch_normalized(const Call& c) {
  const Tensor& x = c.in(0);
  const NormOptions options{.weight = c.in(1), .bias = c.in(2), .eps = c.number("epsilon", 1e-5f)};
  const bool training =
      c.version() >= 14 ? c.integer("training_mode", 0) != 0 : c.version() < 7 && c.integer("is_test", 0) == 0;
  const Tensor &mean_before = c.in(3), &var_before = c.in(4);
  std::vector<Value> results;
  if (!training) {
    results.emplace_back(batch_norm(x, mean_before, var_before, options), c.type(0));
    return results;
  }
  const double momentum = c.number("momentum", 0.9f);
  results.emplace_back(batch_norm(x, options), c.type(0));
  const Tensor mean_now = mean(x, all_but_channels(x)).detach();
  const Tensor var_now = var(x, all_but_channels(x), false, 0).detach();
  results.emplace_back(mean_before * momentum + mean_now * (1 - momentum), c.type(3));
  results.emplace_back(var_before * momentum + var_now * (1 - momentum), c.type(4));
  results.emplace_back(mean_now);
  results.emplace_back(var_now);
  return results;
}

Tensor instance_normalized(const Call& c) {
  return instance_norm(c.in(0), {.weight = c.in(1), .bias = c.in(2), .eps = c.number("epsilon", 1e-5f)});
}

std::vector<Value> layer_normalized(const Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.integer("axis", -1));
  const double eps = c.number("epsilon", 1e-5f);
  Axes axes;
  for (int i = axis; i < x.rank(); ++i) axes.push_back(i);
  Shape shape{std::span<const std::int64_t>(x.shape().begin() + axis, x.shape().end())};
  Tensor y = layer_norm(x, shape, {.eps = eps}) * c.in(1);
  if (c.has(2)) y = y + c.in(2);
  std::vector<Value> results{{y, c.type(0)}};
  if (c.wants(1) || c.wants(2)) {
    results.emplace_back(mean(x, axes, true));
    results.emplace_back(rsqrt(var(x, axes, true, 0) + eps));
  }
  return results;
}

Tensor group_normalized(const Call& c) {
  const Tensor &x = c.in(0), &scale = c.in(1), &bias = c.in(2);
  const std::int64_t groups = c.integer("num_groups", 1), channels = x.size(1);
  if (groups < 1 || channels % groups != 0) c.fail("num_groups must divide the channels");
  const auto whole = [&](const Tensor& t) {  // of each group, up to opset 20
    return t.numel() == channels ? t : repeat(t, channels / groups, 0);
  };
  return group_norm(x, groups, {.weight = whole(scale), .bias = whole(bias), .eps = c.number("epsilon", 1e-5f)});
}

Tensor mean_variance_normalized(const Call& c) {
  const Tensor& x = c.in(0);
  const Axes axes = c.integers("axes", {0, 2, 3});
  return (x - mean(x, axes, true)) / (sqrt(var(x, axes, true, 0)) + 1e-9);
}

Tensor lp_normalized(const Call& c) {
  return normalize(c.in(0), static_cast<double>(c.integer("p", 2)), c.axis(c.integer("axis", -1)));
}

/// x divided by a power of the sum of squares in `size` adjoining channels.
Tensor local_response(const Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t size = c.integer("size", 1), before = (size - 1) / 2;
  if (x.rank() < 2 || size < 1) c.fail("size and x's rank must be at least 1 and 2");
  std::vector<Pad> around(static_cast<std::size_t>(x.rank() - 1));
  around[0] = {before + 1, size - 1 - before};
  const Tensor running = cumsum(pad(square(x), around), 1);
  const std::int64_t channels = x.size(1);
  const Tensor sums = slice(running, 1, size, size + channels) - slice(running, 1, 0, channels);
  return x / pow(sums * (c.number("alpha", 1e-4f) / static_cast<double>(size)) + c.number("bias", 1),
                 c.number("beta", 0.75));
}

std::vector<Value> dropped(const Call& c) {
  const Tensor& x = c.in(0);
  const double ratio = c.version() < 12 ? c.number("ratio", 0.5) : c.has(1) ? c.in(1).item() : 0.5;
  const bool training =
      c.version() >= 12 ? c.has(2) && c.in(2).item() != 0 : c.version() < 7 && c.integer("is_test", 0) == 0;
  if (!training || ratio == 0) return {c.value(0), ones(x.shape(), boolean)};
  const Tensor kept = bernoulli(x.shape(), 1 - ratio, x.dtype());
  return {{x * kept / (1 - ratio), c.type(0)}, kept > 0};
}

Reduce reduction_of(const Call& c) {
  Reduce reduction = Reduce::mean;
  parse_attribute("reduction", c.text("reduction", "mean"), reduction);
  return reduction;
}

constexpr std::int64_t kNobody = std::numeric_limits<std::int64_t>::min();

Tensor likelihood_loss(const Call& c) {
  return nll_loss(c.in(0), c.in(1),
                  {.ignore_index = c.integer("ignore_index", kNobody),
                   .weights = c.has(2) ? c.in(2) : Tensor{},
                   .reduction = reduction_of(c)});
}

std::vector<Value> cross_entropy_loss(const Call& c) {
  const Tensor log_shares = log_softmax(c.in(0), 1);
  const Tensor loss = nll_loss(log_shares, c.in(1),
                               {.ignore_index = c.integer("ignore_index", kNobody),
                                .weights = c.has(2) ? c.in(2) : Tensor{},
                                .reduction = reduction_of(c)});
  return {{loss, c.type(0)}, {log_shares, c.type(0)}};
}

constexpr Importer kImporters[] = {
    {"BatchNormalization", batch_normalized, 1, 0b11000},
    {"Dropout", dropped, 1, 0b110},
    {"GroupNormalization", group_normalized, 18},
    {"InstanceNormalization", instance_normalized},
    {"LRN", local_response},
    {"LayerNormalization", layer_normalized},
    {"LpNormalization", lp_normalized},
    {"MeanVarianceNormalization", mean_variance_normalized},
    {"NegativeLogLikelihoodLoss", likelihood_loss, 1, 0b100},
    {"SoftmaxCrossEntropyLoss", cross_entropy_loss, 1, 0b100},
};

}  // namespace

std::span<const Importer> normalization_importers() { return kImporters; }

}  // namespace tapegrad::onnx
