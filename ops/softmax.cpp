#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/kernels/softmax.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/softmax.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct AxisAttrs {
  int axis = -1;
  bool operator==(const AxisAttrs&) const = default;
  static constexpr auto fields() { return std::tuple{Field{"axis", &AxisAttrs::axis, "along which shares add up"}}; }
};

Slab slab_of(const char* op, const Tensor& x, const AxisAttrs& a) {
  return slab_around(x.shape(), normalized_axis(op, a.axis, x.rank()));
}

/// The rule run as one kernel, where the gradient is not recorded.
template <class Kernel>
Tensor fused_gradient(const Slab& s, const Tensor& g, const Tensor& y, const Kernel& kernel) {
  const Tensor dense = g.contiguous();
  Tensor dx = empty(y.shape(), y.dtype());
  dispatch_floating(y.dtype(), [&]<class T>() {
    kernel(s, dense.data<T>().data(), y.data<T>().data(), dx.mutable_data<T>().data());
  });
  return dx;
}

Cost cost_of(const Node& node, double flops) {
  const auto n = static_cast<double>(node.shape.numel());
  return {flops * n, 2 * n * static_cast<double>(size_of(node.dtype))};
}

template <class O>
std::vector<SampleOf<O>> axis_samples(Rng& rng) {
  const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
  return {{{x({3, 4})}, {}},
          {{x({3, 4})}, {0}},
          {{x({2, 3, 2})}, {1}},
          {{transpose(x({4, 2}))}, {1}},
          {{transpose(x({4, 2}))}, {0}},
          {{x({1})}, {}},
          {{x({0, 3})}, {}},
          {{x({3, 0})}, {}}};
}

template <class O>
std::vector<BadInputOf<O>> axis_bad_inputs() {
  return {{{zeros({2, 3})}, {2}, std::string(O::info.name) + ": axis 2 is outside a tensor of rank 2"},
          {{zeros({})}, {}, "a scalar has no axes"}};
}

struct Softmax {
  static constexpr OpInfo info{.name = "softmax",
                               .formula = "y = eˣ / Σ eˣ",
                               .doc = "Shares along an axis. A lane of -inf alone gives 0; several +inf share evenly.",
                               .inputs = {"x"},
                               .saves = kSavesOutput,
                               .forward = Forward::symmetric,
                               .group = Group::normalization};
  using Attrs = AxisAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    normalized_axis("softmax", a.axis, x.rank());
    return {x.shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::softmax(slab_of("softmax", x, a), x.data<T>().data(), y.mutable_data<T>().data());
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& y) {
    if (grad_enabled()) return y * (g - sum(g * y, {a.axis}, true));
    return fused_gradient(slab_of("softmax", y, a), g, y, [](auto... at) { kernels::softmax_gradient(at...); });
  }
  static Cost cost(const Attrs&, const Node& node) { return cost_of(node, 12); }
  static std::vector<SampleOf<Softmax>> samples(Rng& rng) { return axis_samples<Softmax>(rng); }
  static std::vector<BadInputOf<Softmax>> bad_inputs() { return axis_bad_inputs<Softmax>(); }
};

struct LogSoftmax {
  static constexpr OpInfo info{.name = "log_softmax",
                               .formula = "y = x - ln Σ eˣ",
                               .doc = "The logarithm of softmax along an axis, exact where the share rounds to 0.",
                               .inputs = {"x"},
                               .saves = kSavesOutput,
                               .group = Group::normalization};
  using Attrs = AxisAttrs;
  static TensorSpec result(const Attrs& a, const Tensor& x) {
    normalized_axis("log_softmax", a.axis, x.rank());
    return {x.shape(), x.dtype()};
  }
  static void forward(const Attrs& a, const Tensor& x, Tensor& y) {
    dispatch_floating(y.dtype(), [&]<class T>() {
      kernels::log_softmax(slab_of("log_softmax", x, a), x.data<T>().data(), y.mutable_data<T>().data());
    });
  }
  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, Unsaved, const Tensor& y) {
    if (grad_enabled()) return g - exp(y) * sum(g, {a.axis}, true);
    return fused_gradient(slab_of("log_softmax", y, a), g, y, [](auto... at) { kernels::log_softmax_gradient(at...); });
  }
  static Cost cost(const Attrs&, const Node& node) { return cost_of(node, 14); }
  static std::vector<SampleOf<LogSoftmax>> samples(Rng& rng) { return axis_samples<LogSoftmax>(rng); }
  static std::vector<BadInputOf<LogSoftmax>> bad_inputs() { return axis_bad_inputs<LogSoftmax>(); }
};

using SoftmaxOps = OpList<Softmax, LogSoftmax>;

}  // namespace ops

using ops::SoftmaxOps;

Tensor softmax(const Tensor& x, int axis) { return SoftmaxOps::apply<ops::Softmax>(ops::AxisAttrs{axis}, x); }
Tensor log_softmax(const Tensor& x, int axis) { return SoftmaxOps::apply<ops::LogSoftmax>(ops::AxisAttrs{axis}, x); }

std::span<const OpEntry> softmax_ops() { return SoftmaxOps::entries; }

}  // namespace tapegrad
