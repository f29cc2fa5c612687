#pragma once
// Which parts of an input a model's answer rests on.

#include <tapegrad/ops/tensor_function.hpp>

namespace tapegrad::nn {

/// The derivative of each sample's output for its class by the input: Simonyan, Vedaldi and Zisserman 2014. The model
/// takes the input, whose first axis numbers the samples, and gives [N, C]; `classes` has integers [N]. In the input's
/// shape; the magnitudes say how much each element matters, the signs which way. ShapeError and IndexError for what
/// does not fit. Put the model into eval() first.
Tensor saliency(const TensorFunction& model, const Tensor& input, const Tensor& classes);

/// The same times how far the input is from `baseline`, what stands for no input, broadcast to its shape; zeros if
/// undefined: Shrikumar et al. 2016.
Tensor gradient_x_input(const TensorFunction& model, const Tensor& input, const Tensor& classes,
                        const Tensor& baseline = {});

/// Of integrated_gradients().
struct IntegrationOptions {
  Tensor baseline = {};     ///< what stands for no input, broadcast to its shape; zeros if undefined
  std::int64_t steps = 32;  ///< of the path between both
};
/// Gradients along the straight path from the baseline, times the way: Sundararajan, Taly and Yan 2017. Their sum over
/// a sample is what its output has more than that of the baseline, up to the error of the steps.
Tensor integrated_gradients(const TensorFunction& model, const Tensor& input, const Tensor& classes,
                            const IntegrationOptions& options = {});

}  // namespace tapegrad::nn
