#pragma once
// What data sets and models hand to the training loop, checked where it enters.

#include <string>
#include <tapegrad/core/named_tensors.hpp>
#include <tapegrad/data/dataset.hpp>
#include <tapegrad/nn/module.hpp>
#include <vector>

namespace tapegrad::train {

/// ValueError, which begins with `where`, unless the batch has rows and inputs, and all inputs are defined.
void require_batch(const data::Batch& batch, const std::string& where);
/// ValueError if the model's output is undefined.
void require_output(const Tensor& output, const nn::Module& model);

/// Finds leaves that require a gradient but that nobody trains: those of a layer made without its owner.
class UntrainedLeaves {
 public:
  UntrainedLeaves(const nn::Module& model, const NamedTensors& trained);
  /// To be called with the loss of each step. ValueError at the second that depends on the same such leaf; one that is
  /// made anew for each step, as for the gradient of an input, is none.
  void check(const Tensor& loss);

 private:
  const nn::Module& model_;
  NamedTensors known_;
  std::vector<Tensor> seen_;  // at the first step; kept, so that their memory is not another's
  int steps_ = 0;
};

}  // namespace tapegrad::train
