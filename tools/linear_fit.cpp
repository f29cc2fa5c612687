#include "linear_fit.hpp"

#include <limits>
#include <optional>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/optim/lbfgs.hpp>

namespace tapegrad::tools {
namespace {

void lower(nn::Linear& model, const data::Batch& batch, const train::Loss& loss, double penalty) {
  const optim::Lbfgs::Options options{.iterations = 300, .gradient_tolerance = 1e-5, .change_tolerance = 1e-9};
  optim::Lbfgs(model.named_parameters(), options).step([&] {
    return loss(model(batch.inputs[0]), batch.targets) + penalty / 2 * sum(square(model.weight));
  });
}

}  // namespace

LinearFit fit_linear(const data::Batch& train, std::int64_t outputs, const train::Loss& loss, double penalty) {
  LinearFit fit{nn::Linear(train.inputs[0].size(1), outputs, {.weight_init = nn::init::zeros()}), penalty};
  lower(fit.model, train, loss, penalty);
  return fit;
}

LinearFit fit_linear(const data::Batch& train, const data::Batch& validation, std::int64_t outputs,
                     const train::Loss& loss) {
  std::optional<LinearFit> best;
  double least = std::numeric_limits<double>::infinity();
  LinearFit fit = fit_linear(train, outputs, loss, 3);
  for (const double penalty : {1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 3e-4, 1e-4, 1e-5}) {
    lower(fit.model, train, loss, fit.penalty = penalty);  // from where the one before ended
    const NoGrad no_grad;
    const double cost = loss(fit.model(validation.inputs[0]), validation.targets).item();
    if (cost < least) least = cost, best = fit;
  }
  return best ? *best : fit;
}

}  // namespace tapegrad::tools
