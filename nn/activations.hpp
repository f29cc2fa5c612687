#pragma once
// Activations and changes of shape as layers, for summaries and for names in pictures. A Sequential takes the plain
// functions too: Sequential{Linear(4, 8), relu, Linear(8, 2)}.

#include <tapegrad/nn/layer.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn {

struct Relu : Layer<Relu> {
  using Layer::Layer;
  Tensor forward(const Tensor& x) const { return relu(x); }
};

struct LeakyRelu : Layer<LeakyRelu> {
  explicit LeakyRelu(double negative_slope = 0.01) : slope(negative_slope) {}
  LeakyRelu(Module& parent, const MemberName& name, double negative_slope = 0.01)
      : Layer(parent, name), slope(negative_slope) {}
  Tensor forward(const Tensor& x) const { return leaky_relu(x, slope); }
  double slope;
};

struct Sigmoid : Layer<Sigmoid> {
  using Layer::Layer;
  Tensor forward(const Tensor& x) const { return sigmoid(x); }
};

struct Tanh : Layer<Tanh> {
  using Layer::Layer;
  Tensor forward(const Tensor& x) const { return tanh(x); }
};

struct Softplus : Layer<Softplus> {
  using Layer::Layer;
  Tensor forward(const Tensor& x) const { return softplus(x); }
};

/// [B, …] to [B, everything else].
struct Flatten : Layer<Flatten> {
  using Layer::Layer;
  Tensor forward(const Tensor& x) const { return flatten(x, 1); }
};

}  // namespace tapegrad::nn
