#pragma once
// Whether a classifier's probabilities are what they say: of the answers given with 80 %, four in five should be right.

#include <tapegrad/train/metric.hpp>

namespace tapegrad::train {

/// The expected calibration error: answers are put into `bins` of equal width by their probability, and the distances
/// between the mean probability and the share of right answers averaged over all samples (Naeini et al. 2015, Guo et
/// al. 2017). Outputs are logits [N, C], targets classes [N]. ValueError for fewer than 1 bin.
std::shared_ptr<const Metric> calibration_error(std::int64_t bins = 15);

/// The temperature T > 0 with which softmax(logits / T) fits samples that the model was not trained on: Guo et al.
/// 2017. It maximises the likelihood times a prior of ln T, normal with mean 0 and deviation ln 2, so that few samples,
/// or samples that are all told rightly, leave the model as sure as it is. Logits [N, C] and classes [N]; ValueError
/// without any sample, or for logits that are not finite.
double fit_temperature(const Tensor& logits, const Tensor& classes);

}  // namespace tapegrad::train
