#pragma once
// The yardstick of tables: ridge or logistic regression.

#include <tapegrad/data/dataset.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/train/metric.hpp>

namespace tapegrad::tools {

struct LinearFit {
  nn::Linear model;
  double penalty = 0;  ///< half of it times the sum of the squared weights is added to the mean loss
};

/// The linear model of least loss and penalty on the whole batch.
LinearFit fit_linear(const data::Batch& train, std::int64_t outputs, const train::Loss& loss, double penalty);

/// With the penalty, of a few between almost none and much, that leaves the least loss on the validation part.
LinearFit fit_linear(const data::Batch& train, const data::Batch& validation, std::int64_t outputs,
                     const train::Loss& loss);

}  // namespace tapegrad::tools
