#include <tapegrad/nn/loss.hpp>

#include <tapegrad/core/error.hpp>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace tapegrad::nn {
namespace {

// Without this, outputs [N, 1] and targets [N] would broadcast to [N, N], and train nothing useful.
void require_same_shape(const char* loss, const Tensor& outputs, const Tensor& targets) {
  if (outputs.shape() != targets.shape())
    throw ShapeError(std::string(loss) + ": outputs " + to_string(outputs.shape()) + " and targets " +
                     to_string(targets.shape()) + "; the shapes must be equal");
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets) { return tapegrad::cross_entropy(logits, targets); }

Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets) {
  require_same_shape("binary_cross_entropy", logits, targets);
  const Scope scope("binary_cross_entropy");
  return mean(softplus(logits) - logits * targets);
}

Tensor mse(const Tensor& outputs, const Tensor& targets) {
  require_same_shape("mse", outputs, targets);
  const Scope scope("mse");
  return mse_loss(outputs, targets);
}

Tensor mae(const Tensor& outputs, const Tensor& targets) {
  require_same_shape("mae", outputs, targets);
  const Scope scope("mae");
  return mean(abs(outputs - targets));
}

}  // namespace tapegrad::nn
