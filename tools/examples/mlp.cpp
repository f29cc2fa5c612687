#include <tapegrad/core/create.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/ops/activation.hpp>

#include "examples.hpp"

namespace tapegrad::tools {
namespace {

struct Mlp : nn::Module {
  nn::Linear hidden1{*this, "hidden1", 784, 512}, hidden2{*this, "hidden2", 512, 512}, output{*this, "output", 512, 10};
  Tensor forward(const Tensor& images) const { return output(relu(hidden2(relu(hidden1(images))))); }
};

}  // namespace

graph::ComputationGraph mlp_example(bool times) {
  const Mlp model;
  Tensor images = randn({32, 784}), digits = zeros({32}, i64);
  images.set_name("images");
  digits.set_name("digits");
  return recorded("Multilayer perceptron", times, [&] { return nn::cross_entropy(model.forward(images), digits); });
}

}  // namespace tapegrad::tools
