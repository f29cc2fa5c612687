#pragma once
// Activations and changes of shape as layers, for summaries and for names in pictures: each is the function of its name
// in ops/activation.hpp, of any shape. A Sequential takes the plain functions too: Sequential{Linear(4, 8), relu,
// Linear(8, 2)}.

#include <tapegrad/nn/init.hpp>
#include <tapegrad/nn/module.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn {

namespace detail {

template <class Self, Tensor (*kFunction)(const Tensor&)>
struct Activation : Layer<Self> {
  using Layer<Self>::Layer;
  Tensor forward(const Tensor& x) const { return kFunction(x); }
};

/// With a number to set, which Self::kDefault is the usual one of.
template <class Self, Tensor (*kFunction)(const Tensor&, double)>
struct TunedActivation : Layer<Self> {
  TunedActivation(Owner owner, const MemberName& name, double number = Self::kDefault)
      : Layer<Self>(owner, name), number_(number) {}
  explicit TunedActivation(double number = Self::kDefault) : TunedActivation(kNoOwner, "", number) {}
  Tensor forward(const Tensor& x) const { return kFunction(x, number_); }

 private:
  double number_;
};

template <class Self, Tensor (*kFunction)(const Tensor&, int)>
struct AxisActivation : Layer<Self> {
  AxisActivation(Owner owner, const MemberName& name, int axis = -1) : Layer<Self>(owner, name), axis_(axis) {}
  explicit AxisActivation(int axis = -1) : AxisActivation(kNoOwner, "", axis) {}
  Tensor forward(const Tensor& x) const { return kFunction(x, axis_); }

 private:
  int axis_;
};

}  // namespace detail

struct Sigmoid : detail::Activation<Sigmoid, sigmoid> {
  using Activation::Activation;
};
struct LogSigmoid : detail::Activation<LogSigmoid, log_sigmoid> {
  using Activation::Activation;
};
struct Tanh : detail::Activation<Tanh, tanh> {
  using Activation::Activation;
};
struct Softplus : detail::Activation<Softplus, softplus> {
  using Activation::Activation;
};
struct Softsign : detail::Activation<Softsign, softsign> {
  using Activation::Activation;
};
struct Relu : detail::Activation<Relu, relu> {
  using Activation::Activation;
};
struct Relu6 : detail::Activation<Relu6, relu6> {
  using Activation::Activation;
};
struct Selu : detail::Activation<Selu, selu> {
  using Activation::Activation;
};
struct Gelu : detail::Activation<Gelu, gelu> {
  using Activation::Activation;
};
struct GeluTanh : detail::Activation<GeluTanh, gelu_tanh> {
  using Activation::Activation;
};
struct Silu : detail::Activation<Silu, silu> {
  using Activation::Activation;
};
struct Mish : detail::Activation<Mish, mish> {
  using Activation::Activation;
};
struct Hardsigmoid : detail::Activation<Hardsigmoid, hardsigmoid> {
  using Activation::Activation;
};
struct Hardswish : detail::Activation<Hardswish, hardswish> {
  using Activation::Activation;
};

/// Given the slope below 0.
struct LeakyRelu : detail::TunedActivation<LeakyRelu, leaky_relu> {
  static constexpr double kDefault = 0.01;
  using TunedActivation::TunedActivation;
};
/// Given alpha, as Celu.
struct Elu : detail::TunedActivation<Elu, elu> {
  static constexpr double kDefault = 1;
  using TunedActivation::TunedActivation;
};
/// max(x, 0) + min(alpha (exp(x / alpha) - 1), 0).
struct Celu : detail::TunedActivation<Celu, celu> {
  static constexpr double kDefault = 1;
  using TunedActivation::TunedActivation;
};
/// Given the bound, as Hardshrink.
struct Softshrink : detail::TunedActivation<Softshrink, softshrink> {
  static constexpr double kDefault = 0.5;
  using TunedActivation::TunedActivation;
};
/// 0 between -lambda and lambda, and x elsewhere.
struct Hardshrink : detail::TunedActivation<Hardshrink, hardshrink> {
  static constexpr double kDefault = 0.5;
  using TunedActivation::TunedActivation;
};

/// x, kept between `low` and `high`.
struct Hardtanh : Layer<Hardtanh> {
  Hardtanh(Owner owner, const MemberName& name, double low = -1, double high = 1)
      : Layer(owner, name), low_(low), high_(high) {}
  explicit Hardtanh(double low = -1, double high = 1) : Hardtanh(kNoOwner, "", low, high) {}
  Tensor forward(const Tensor& x) const { return hardtanh(x, low_, high_); }

 private:
  double low_, high_;
};

/// Given the axis whose elements sum to 1, as LogSoftmax; rank 1 or more.
struct Softmax : detail::AxisActivation<Softmax, softmax> {
  using AxisActivation::AxisActivation;
};
struct LogSoftmax : detail::AxisActivation<LogSoftmax, log_softmax> {
  using AxisActivation::AxisActivation;
};

/// Of PRelu.
struct PReluOptions {
  init::Initializer init = init::constant(0.25);
  DType dtype = f32;
  Rng* rng = nullptr;  ///< null: default_rng()
};

/// x where positive, else slope · x, with a slope to learn for each channel of x [B, C, …], or one for all of any shape
/// (He et al. 2015).
class PRelu : public Layer<PRelu> {
 public:
  /// `channels`: how many slopes; 1 for one that all share. ValueError if below 1.
  PRelu(Owner owner, const MemberName& name, std::int64_t channels = 1, const PReluOptions& options = {});
  explicit PRelu(std::int64_t channels = 1, const PReluOptions& options = {})
      : PRelu(kNoOwner, "", channels, options) {}

  /// ShapeError if there are several slopes and x is not [B, channels, …].
  Tensor forward(const Tensor& x) const;

  Parameter weight;  ///< [channels]
};

/// [B, …] to [B, everything else].
struct Flatten : Layer<Flatten> {
  using Layer::Layer;
  Tensor forward(const Tensor& x) const { return flatten(x, 1); }
};

}  // namespace tapegrad::nn
