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

}  // namespace tapegrad
