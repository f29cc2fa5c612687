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

struct NllOptions {
  std::int64_t ignore_index = -100;  ///< samples with this target do not count
  Tensor weights = {};               ///< one a class [C]; none means 1. Has no gradient
  Reduce reduction = Reduce::mean;
};
/// -log_shares[target]: cross entropy of what log_softmax gave. Shapes as in cross_entropy.
Tensor nll_loss(const Tensor& log_shares, const Tensor& targets, const NllOptions& options = {});

// Those below compare tensors of one shape: ShapeError otherwise, for a broadcast would compare every pair.

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

struct TripletOptions {
  double margin = 1;
  double p = 2;  ///< of the norm that measures distance
  Reduce reduction = Reduce::mean;
};
/// max(0, |anchor - positive| - |anchor - negative| + margin), distances along the last axis.
Tensor triplet_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                    const TripletOptions& options = {});

}  // namespace tapegrad
