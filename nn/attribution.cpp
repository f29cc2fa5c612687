#include <tapegrad/nn/attribution.hpp>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn {
namespace {

// A weight of 1 for each sample's class: the cotangent that singles out its output.
Tensor chosen(const Tensor& outputs, const Tensor& classes, const char* who) {
  if (outputs.rank() != 2 || classes.shape() != Shape{outputs.size(0)} || is_floating(classes.dtype()))
    throw ShapeError(std::string(who) + ": the model gave " + to_string(outputs.shape()) + " and the classes are " +
                     describe(classes) + "; expected [N, C] and integers [N]");
  Tensor weights = zeros(outputs.shape(), outputs.dtype());
  const std::vector<double> wanted = classes.values();
  dispatch_floating(weights.dtype(), [&]<class T>() {
    const auto to = weights.mutable_data<T>();
    const std::int64_t count = outputs.size(1);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto c = static_cast<std::int64_t>(wanted[i]);
      if (c < 0 || c >= count)
        throw IndexError(std::string(who) + ": class " + std::to_string(c) + " of sample " + std::to_string(i) +
                         "; the model has " + std::to_string(count));
      to[i * static_cast<std::size_t>(count) + static_cast<std::size_t>(c)] = 1;
    }
  });
  return weights;
}

Tensor gradient_at(const TensorFunction& model, const Tensor& at, const Tensor& classes, const char* who) {
  if (!is_floating(at.dtype()))
    throw DTypeError(std::string(who) + ": the input is " + describe(at) +
                     ", which has no gradient; of tokens take their embeddings");
  const GradMode recording(true);
  Tensor leaf = at.detach();
  leaf.set_requires_grad();
  const Tensor outputs = model({&leaf, 1});
  const Tensor weights = chosen(outputs, classes, who);
  const Tensor gradient = grad({&outputs, 1}, {&leaf, 1}, {&weights, 1})[0];
  return gradient.defined() ? gradient.to_dense() : zeros(at.shape(), at.dtype());
}

/// How far the input is from the baseline.
Tensor way_from(const Tensor& baseline, const Tensor& input, const char* who) {
  if (!baseline.defined()) return input.detach();
  Tensor way = input - baseline;
  if (way.shape() != input.shape())
    throw ShapeError(std::string(who) + ": the baseline " + to_string(baseline.shape()) +
                     " does not broadcast to the input, " + to_string(input.shape()));
  return way;
}

}  // namespace

Tensor saliency(const TensorFunction& model, const Tensor& input, const Tensor& classes) {
  return gradient_at(model, input, classes, "saliency");
}

Tensor gradient_x_input(const TensorFunction& model, const Tensor& input, const Tensor& classes,
                        const Tensor& baseline) {
  const NoGrad no_grad;
  const Tensor way = way_from(baseline, input, "gradient_x_input");
  return gradient_at(model, input, classes, "gradient_x_input") * way;
}

Tensor integrated_gradients(const TensorFunction& model, const Tensor& input, const Tensor& classes,
                            const IntegrationOptions& options) {
  if (options.steps < 1)
    throw ValueError("integrated_gradients: " + std::to_string(options.steps) + " steps; one is needed at least");
  const NoGrad no_grad;
  const Tensor way = way_from(options.baseline, input, "integrated_gradients");
  Tensor sum = zeros(input.shape(), input.dtype());
  // The midpoints of the steps.
  for (std::int64_t i = 0; i < options.steps; ++i) {
    const double left = 1 - (static_cast<double>(i) + 0.5) / static_cast<double>(options.steps);
    sum = sum + gradient_at(model, input - left * way, classes, "integrated_gradients");
  }
  return sum * way / static_cast<double>(options.steps);
}

}  // namespace tapegrad::nn
