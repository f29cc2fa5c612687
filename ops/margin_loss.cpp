// Losses that ask for a margin or compare with a distribution: made of other operations.

#include <algorithm>
#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/op/attributes.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

constexpr double kHalfLogTwoPi = 0.9189385332046727417803297;

void require_shape(const char* op, const char* name, const Tensor& x, const Shape& wanted, const char* what) {
  if (x.shape() != wanted)
    throw ShapeError(std::string(op) + ": " + name + " is " + to_string(x.shape()) + "; " + what + " has shape " +
                     to_string(wanted));
}

void require_signs(const char* op, const Tensor& targets) {
  const Tensor t = targets.detach();
  if (all(t == 1 || t == -1).item() == 0)
    throw ValueError(std::string(op) + ": a target is neither 1 nor -1; those are what it tells apart");
}

void require_class_scores(const char* op, const Tensor& scores) {
  if (scores.rank() != 1 && scores.rank() != 2)
    throw ShapeError(std::string(op) + ": scores are " + to_string(scores.shape()) +
                     "; [C] or [N, C] is expected, for C classes");
}

void require_whole(const char* op, const Tensor& targets) {
  if (targets.dtype() != i64 && targets.dtype() != i32)
    throw DTypeError(std::string(op) + ": targets are " + describe(targets) + ", not class indices; cast them to i64");
}

/// How often each row of `targets`, as far as its first -1, names each class.
Tensor class_counts(const char* op, const Tensor& targets, DType dtype) {
  const Tensor indices = cast(targets, i64).contiguous();
  const std::int64_t classes = targets.shape()[-1];
  Tensor counts = zeros(targets.shape(), f64);
  const auto named = indices.data<std::int64_t>();
  const auto count = counts.mutable_data<double>();
  for (std::int64_t begin = 0; begin < counts.numel(); begin += classes)
    for (std::int64_t i = begin; i < begin + classes; ++i) {
      const std::int64_t c = named[static_cast<std::size_t>(i)];
      if (c == -1) break;
      if (c < 0 || c >= classes)
        throw IndexError(std::string(op) + ": target " + std::to_string(c) + " at position " + std::to_string(i) +
                         " is outside the " + std::to_string(classes) + " classes; -1 ends a row");
      ++count[static_cast<std::size_t>(begin + c)];
    }
  return cast(counts, dtype);
}

}  // namespace

Tensor poisson_nll_loss(const Tensor& rates, const Tensor& counts, const PoissonOptions& options) {
  require_shape("poisson_nll_loss", "counts", counts, rates.shape(), "what is counted at each rate");
  require_not_negative("poisson_nll_loss", "epsilon", options.epsilon);
  Tensor losses = options.log_rates ? exp(rates) - counts * rates : rates - xlogy(counts, rates + options.epsilon);
  if (options.full) losses = losses + where(counts > 1, xlogy(counts + 0.5, counts) - counts + kHalfLogTwoPi, 0);
  return reduce(losses, options.reduction);
}

Tensor gaussian_nll_loss(const Tensor& means, const Tensor& targets, const Tensor& variances,
                         const GaussianOptions& options) {
  require_shape("gaussian_nll_loss", "targets", targets, means.shape(), "one value a mean");
  require_positive("gaussian_nll_loss", "epsilon", options.epsilon);
  if (any(variances.detach() < 0).item() != 0)
    throw ValueError("gaussian_nll_loss: a variance is negative; softplus() or exp() of what a model gives is not");
  const Tensor v = broadcast_to(maximum(variances, options.epsilon), means.shape()), miss = means - targets;
  const Tensor losses = (log(v) + miss * (miss / v)) * 0.5;
  return reduce(options.full ? losses + kHalfLogTwoPi : losses, options.reduction);
}

Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& targets, double margin, Reduce reduction) {
  require_shape("margin_ranking_loss", "b", b, a.shape(), "what is ranked against a");
  require_shape("margin_ranking_loss", "targets", targets, a.shape(), "1 or -1 for each pair");
  require_finite("margin_ranking_loss", "margin", margin);
  require_signs("margin_ranking_loss", targets);
  return reduce(relu(targets * (b - a) + margin), reduction);
}

Tensor hinge_embedding_loss(const Tensor& distances, const Tensor& targets, double margin, Reduce reduction) {
  require_shape("hinge_embedding_loss", "targets", targets, distances.shape(), "1 or -1 for each distance");
  require_finite("hinge_embedding_loss", "margin", margin);
  require_signs("hinge_embedding_loss", targets);
  return reduce(where(targets == 1, distances, relu(margin - distances)), reduction);
}

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& targets, double margin, Reduce reduction) {
  require_shape("cosine_embedding_loss", "b", b, a.shape(), "what is compared with a");
  require_finite("cosine_embedding_loss", "margin", margin);
  const Tensor similarity = cosine_similarity(a, b);
  require_shape("cosine_embedding_loss", "targets", targets, similarity.shape(), "1 or -1 for each pair");
  require_signs("cosine_embedding_loss", targets);
  return reduce(where(targets == 1, 1 - similarity, relu(similarity - margin)), reduction);
}

Tensor soft_margin_loss(const Tensor& scores, const Tensor& targets, Reduce reduction) {
  require_shape("soft_margin_loss", "targets", targets, scores.shape(), "1 or -1 for each score");
  require_signs("soft_margin_loss", targets);
  return reduce(softplus(-scores * targets), reduction);
}

Tensor multi_margin_loss(const Tensor& scores, const Tensor& targets, const MultiMarginOptions& options) {
  require_class_scores("multi_margin_loss", scores);
  const std::int64_t classes = scores.shape()[-1];
  require_shape("multi_margin_loss", "targets", targets, scores.shape().erase(scores.rank() - 1), "one class a sample");
  require_whole("multi_margin_loss", targets);
  require_finite("multi_margin_loss", "margin", options.margin);
  if (options.p != 1 && options.p != 2)
    throw ValueError("multi_margin_loss: p is " + std::to_string(options.p) + ", not 1 or 2");
  if (options.weights.defined())
    require_shape("multi_margin_loss", "weights", options.weights, Shape{classes}, "one weight a class");
  const Tensor own = one_hot(targets, classes, boolean), at = unsqueeze(targets, -1);
  const Tensor short_of = where(own, 0, relu(options.margin - gather(scores, -1, at) + scores));
  const Tensor losses = sum(options.p == 2 ? square(short_of) : short_of, {-1}) / static_cast<double>(classes);
  return reduce(options.weights.defined() ? losses * take(options.weights, targets, 0) : losses, options.reduction);
}

Tensor multilabel_margin_loss(const Tensor& scores, const Tensor& targets, Reduce reduction) {
  require_class_scores("multilabel_margin_loss", scores);
  require_shape("multilabel_margin_loss", "targets", targets, scores.shape(),
                "a list of classes a sample, ended by -1,");
  require_whole("multilabel_margin_loss", targets);
  const Tensor counts = class_counts("multilabel_margin_loss", targets, scores.dtype());
  const Tensor pairs = unsqueeze(counts, -1) * cast(unsqueeze(counts == 0, -2), scores.dtype());
  const Tensor short_of = relu(1 - unsqueeze(scores, -1) + unsqueeze(scores, -2));
  return reduce(sum(where(pairs > 0, pairs * short_of, 0), {-2, -1}) / static_cast<double>(scores.shape()[-1]),
                reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& scores, const Tensor& targets, const Tensor& weights,
                                   Reduce reduction) {
  require_class_scores("multilabel_soft_margin_loss", scores);
  if (weights.defined())
    require_shape("multilabel_soft_margin_loss", "weights", weights, Shape{scores.shape()[-1]}, "one weight a class");
  const Tensor each =
      binary_cross_entropy_with_logits(scores, targets, {.weights = weights, .reduction = Reduce::none});
  return reduce(mean(each, {-1}), reduction);
}

}  // namespace tapegrad
