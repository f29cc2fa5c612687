#include <tapegrad/core/create.hpp>
#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/pooling.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/view.hpp>

#include "examples.hpp"

namespace tapegrad::tools {
namespace {

struct Cnn : nn::Module {
  nn::Conv2d conv1{*this, "conv1", 1, 16, 3}, conv2{*this, "conv2", 16, 32, 3};
  nn::MaxPool2d pool1{*this, "pool1", 2}, pool2{*this, "pool2", 2};
  nn::Linear output{*this, "output", 32 * 5 * 5, 10};
  Tensor forward(const Tensor& images) const {
    const Tensor features = pool2(relu(conv2(pool1(relu(conv1(images))))));
    return output(reshape(features, {features.size(0), 32 * 5 * 5}));
  }
};

}  // namespace

graph::ComputationGraph cnn_example(bool times) {
  const Cnn model;
  Tensor images = randn({8, 1, 28, 28}), digits = zeros({8}, i64);
  images.set_name("images");
  digits.set_name("digits");
  return recorded("Convolutional network", times, [&] { return nn::cross_entropy(model.forward(images), digits); });
}

}  // namespace tapegrad::tools
