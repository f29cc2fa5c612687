#pragma once
// The losses of ops/loss.hpp, under the names that PyTorch gives them: nn::cross_entropy is cross_entropy.

#include <tapegrad/ops/loss.hpp>

namespace tapegrad::nn {

using tapegrad::binary_cross_entropy;              // of probabilities
using tapegrad::binary_cross_entropy_with_logits;  // of logits
using tapegrad::cross_entropy;
using tapegrad::hinge_loss;
using tapegrad::huber_loss;
using tapegrad::kl_div;
using tapegrad::l1_loss;
using tapegrad::mse_loss;
using tapegrad::nll_loss;
using tapegrad::smooth_l1_loss;
using tapegrad::triplet_loss;

}  // namespace tapegrad::nn
