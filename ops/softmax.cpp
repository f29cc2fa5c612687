#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/kernels/softmax.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct AxisAttrs {
  int axis = -1;
  bool operator==(const AxisAttrs&) const = default;
  static constexpr auto fields() { return std::tuple{Field{"axis", &AxisAttrs::axis, "along which shares add up"}}; }
};

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

/// What both declare alike.
template <class Self>
struct AlongAxis : internal::Unary {
  struct Kept {
    Tensor y;
  };
  using Attrs = AxisAttrs;

  static Slab slab_of(const Attrs& a, const Shape& shape) {
    return slab_around(shape, normalized_axis(Self::info.name.data(), a.axis, shape.rank()));
  }
  static void check(const Attrs& a, const In& in) { normalized_axis(Self::info.name.data(), a.axis, in.x.rank()); }
  static Out shapes(const Attrs&, const In& in) { return {op::spec(in.x.shape(), in.x.dtype())}; }
  static std::vector<SampleOf<Self>> samples(Rng& rng) {
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
  static std::vector<BadInputOf<Self>> bad_inputs() {
    return {{{zeros({2, 3})}, {2}, std::string(Self::info.name) + ": axis 2 is outside a tensor of rank 2"},
            {{zeros({})}, {}, "a scalar has no axes"}};
  }
};

struct Softmax : AlongAxis<Softmax> {
  static constexpr OpInfo info{.name = "softmax",
                               .formula = "y = eˣ / Σ eˣ",
                               .doc = "Shares along an axis. A lane of -inf alone gives 0; several +inf share evenly.",
                               .forward = Forward::symmetric,
                               .group = Group::normalization};
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      kernels::softmax(slab_of(a, in.x.shape()), in.x.data<T>().data(), out.y.mutable_data<T>().data());
    });
    return {out.y};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    if (grad_enabled()) return {kept.y * (g.y - sum(g.y * kept.y, {a.axis}, true))};
    return {
        fused_gradient(slab_of(a, kept.y.shape()), g.y, kept.y, [](auto... at) { kernels::softmax_gradient(at...); })};
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(12, in.x, {in.x, out.y}); }
};

struct LogSoftmax : AlongAxis<LogSoftmax> {
  static constexpr OpInfo info{.name = "log_softmax",
                               .formula = "y = x - ln Σ eˣ",
                               .doc = "The logarithm of softmax along an axis, exact where the share rounds to 0.",
                               .group = Group::normalization};
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      kernels::log_softmax(slab_of(a, in.x.shape()), in.x.data<T>().data(), out.y.mutable_data<T>().data());
    });
    return {out.y};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    if (grad_enabled()) return {g.y - exp(kept.y) * sum(g.y, {a.axis}, true)};
    return {fused_gradient(slab_of(a, kept.y.shape()), g.y, kept.y,
                           [](auto... at) { kernels::log_softmax_gradient(at...); })};
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(14, in.x, {in.x, out.y}); }
};

using SoftmaxOps = OpList<Softmax, LogSoftmax>;

}  // namespace ops

using ops::SoftmaxOps;

Tensor softmax(const Tensor& x, int axis) { return SoftmaxOps::apply<ops::Softmax>({axis}, {x}).y; }
Tensor log_softmax(const Tensor& x, int axis) { return SoftmaxOps::apply<ops::LogSoftmax>({axis}, {x}).y; }

std::span<const OpEntry> softmax_ops() { return SoftmaxOps::entries; }

}  // namespace tapegrad
