#pragma once
// Losses: small when predictions are right. Each has a reduction over its samples.

#include <cstdint>
#include <string>
#include <string_view>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// What becomes of the samples' losses.
enum class Reduce : std::uint8_t {
  mean,  ///< the mean, weighted where samples have weights; 0 where nothing counts
  sum,
  none  ///< one loss a sample
};
/// Applies it to a tensor of losses.
Tensor reduce(const Tensor& losses, Reduce reduction);
/// "mean", "sum", "none".
std::string format_attribute(Reduce value);
void parse_attribute(std::string_view name, std::string_view text, Reduce& value);

/// Of cross_entropy().
struct CrossEntropyOptions {
  double label_smoothing = 0;        ///< share of each target spread evenly over all classes, in [0, 1]
  std::int64_t ignore_index = -100;  ///< samples with this target do not count
  Tensor weights = {};               ///< one a class [C]; none means 1. Has no gradient
  Reduce reduction = Reduce::mean;
};
/// -ln softmax(logits)[target]. logits [N, C], [N, C, …] or [C]; targets are either class indices [N], [N, …] or []
/// (IndexError outside the classes), or probabilities of the logits' shape, which may have a gradient. The mean over
/// indices is weighted by the targets' classes; that over probabilities is over the samples.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options = {});

/// Of nll_loss().
struct NllOptions {
  std::int64_t ignore_index = -100;  ///< samples with this target do not count
  Tensor weights = {};               ///< one a class [C]; none means 1. Has no gradient
  Reduce reduction = Reduce::mean;
};
/// -log_shares[target]: cross entropy of what log_softmax gave. Shapes as in cross_entropy.
Tensor nll_loss(const Tensor& log_shares, const Tensor& targets, const NllOptions& options = {});

// Those below compare tensors of one shape: ShapeError otherwise, for a broadcast would compare every pair.

/// Of binary_cross_entropy() and binary_cross_entropy_with_logits().
struct BinaryCrossEntropyOptions {
  Tensor weights = {};           ///< of the elements; broadcasts to them. None means 1
  Tensor positive_weights = {};  ///< of the part that pulls towards 1, with logits only; broadcasts. None means 1
  Reduce reduction = Reduce::mean;
};
/// -(y ln p + (1 - y) ln(1 - p)) for probabilities p; exact, so infinite where p denies y. Prefer the form with logits.
Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& targets,
                            const BinaryCrossEntropyOptions& options = {});
/// The same for p = sigmoid(logits), without overflow and finite for finite logits.
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets,
                                        const BinaryCrossEntropyOptions& options = {});

/// (a - b)².
Tensor mse_loss(const Tensor& prediction, const Tensor& target, Reduce reduction = Reduce::mean);
/// |a - b|; gradient 0 where they are equal.
Tensor l1_loss(const Tensor& prediction, const Tensor& target, Reduce reduction = Reduce::mean);
/// (a - b)² / 2 up to |a - b| = delta > 0, and from there on its tangent.
Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta = 1, Reduce reduction = Reduce::mean);
/// huber_loss / beta, or l1_loss where beta is 0.
Tensor smooth_l1_loss(const Tensor& prediction, const Tensor& target, double beta = 1, Reduce reduction = Reduce::mean);

/// Divergence of log_shares, logarithms of probabilities, from target probabilities: Σ t (ln t - log_shares). A target
/// of 0 costs nothing and has gradient 0. The mean is over the samples (the first axis), as the divergence is defined.
Tensor kl_div(const Tensor& log_shares, const Tensor& target, Reduce reduction = Reduce::mean);

/// max(0, margin - score · target) for targets -1 and 1.
Tensor hinge_loss(const Tensor& scores, const Tensor& targets, double margin = 1, Reduce reduction = Reduce::mean);

/// a·b / (|a| |b|), in [-1, 1], along `axis`, which goes away; lengths up to epsilon count as it. a and b broadcast.
Tensor cosine_similarity(const Tensor& a, const Tensor& b, int axis = -1, double epsilon = 1e-8);

/// Of triplet_loss().
struct TripletOptions {
  double margin = 1;
  double p = 2;       ///< of the norm that measures distance
  bool swap = false;  ///< take |positive - negative| where it is less than |anchor - negative|
  Reduce reduction = Reduce::mean;
};
/// max(0, |anchor - positive| - |anchor - negative| + margin), distances along the last axis. PyTorch adds 1e-6 to the
/// differences; here nothing is added, and the gradient of a distance of 0 is 0.
Tensor triplet_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                    const TripletOptions& options = {});

// Of targets that are 1 or -1: ValueError for others.

/// max(0, margin - target (a - b)): 1 says that a is to be the larger.
Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& targets, double margin = 0,
                           Reduce reduction = Reduce::mean);
/// The distance of pairs that belong together (1), max(0, margin - distance) of others (-1).
Tensor hinge_embedding_loss(const Tensor& distances, const Tensor& targets, double margin = 1,
                            Reduce reduction = Reduce::mean);
/// 1 - cosine_similarity(a, b) of pairs that belong together (1), max(0, cosine_similarity - margin) of others (-1).
/// a and b are [N, D] or [D], targets [N] or [].
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& targets, double margin = 0,
                             Reduce reduction = Reduce::mean);
/// ln(1 + exp(-score · target)).
Tensor soft_margin_loss(const Tensor& scores, const Tensor& targets, Reduce reduction = Reduce::mean);

// Of scores [N, C] or [C]: means over the classes, reduced over the samples.

/// Of multi_margin_loss().
struct MultiMarginOptions {
  int p = 1;  ///< power of what is short of the margin, 1 or 2
  double margin = 1;
  Tensor weights = {};  ///< one a class [C]; none means 1
  Reduce reduction = Reduce::mean;
};
/// max(0, margin - scores[target] + scores[c])ᵖ over the classes c that are not the target. Targets are class indices
/// [N] or [].
Tensor multi_margin_loss(const Tensor& scores, const Tensor& targets, const MultiMarginOptions& options = {});
/// max(0, 1 - scores[t] + scores[c]) over the classes t that the target names and the classes c that it does not.
/// Targets have the scores' shape: class indices, as far as the first -1 in each row.
Tensor multilabel_margin_loss(const Tensor& scores, const Tensor& targets, Reduce reduction = Reduce::mean);
/// Binary cross entropy with logits of each class.
Tensor multilabel_soft_margin_loss(const Tensor& scores, const Tensor& targets, const Tensor& weights = {},
                                   Reduce reduction = Reduce::mean);

/// Of poisson_nll_loss().
struct PoissonOptions {
  bool log_rates = true;  ///< rates are given as logarithms
  bool full = false;      ///< add Stirling's approximation of ln(count!), of counts above 1
  double epsilon = 1e-8;  ///< added to rates that are not logarithms, for their logarithm
  Reduce reduction = Reduce::mean;
};
/// rate - count ln rate: how unlikely counts are in a Poisson distribution, but for a constant.
Tensor poisson_nll_loss(const Tensor& rates, const Tensor& counts, const PoissonOptions& options = {});

/// Of gaussian_nll_loss().
struct GaussianOptions {
  bool full = false;      ///< add the constant, ln(2π) / 2
  double epsilon = 1e-6;  ///< the least variance. Below it the gradient is 0, where PyTorch's is that at it
  Reduce reduction = Reduce::mean;
};
/// (ln variance + (mean - target)² / variance) / 2. The variances broadcast; ValueError for a negative one.
Tensor gaussian_nll_loss(const Tensor& means, const Tensor& targets, const Tensor& variances,
                         const GaussianOptions& options = {});

/// Of ctc_loss().
struct CtcOptions {
  std::int64_t blank = 0;      ///< the class that stands for nothing
  bool zero_infinity = false;  ///< 0, with gradient 0, for targets that do not fit their input; else infinity
  Reduce reduction = Reduce::mean;
};
/// Connectionist temporal classification: -ln of the probability that log_shares [T, N, C] (or [T, C]), logarithms of
/// the classes' probabilities at each step, spell the target [N, S] (or [S]) when repetitions are merged and blanks are
/// left out. Sample n has input_lengths[n] ≤ T steps and target_lengths[n] ≤ S classes ([N], or []). The mean is of the
/// losses divided by their targets' lengths (at least 1), as PyTorch has it.
Tensor ctc_loss(const Tensor& log_shares, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CtcOptions& options = {});

}  // namespace tapegrad
