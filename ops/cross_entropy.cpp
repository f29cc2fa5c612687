#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/cast.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/kernels/softmax.hpp>
#include <tapegrad/ops/kernels/sum.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/op_list.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/softmax.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

int class_axis(const Shape& logits) { return logits.rank() == 1 ? 0 : 1; }

void check_options(const Tensor& logits, const Tensor& weights, double label_smoothing) {
  if (logits.rank() == 0)
    throw ShapeError("cross_entropy: logits are a scalar; give [C], [N, C] or [N, C, ...] for C classes");
  if (!(label_smoothing >= 0 && label_smoothing <= 1))
    throw ValueError("cross_entropy: label_smoothing is " + format_attribute(label_smoothing) + ", not in [0, 1]");
  const std::int64_t classes = logits.shape()[class_axis(logits.shape())];
  if (!weights.defined()) return;
  if (weights.shape() != Shape{classes})
    throw ShapeError("cross_entropy: weights are " + to_string(weights.shape()) + ", logits " +
                     to_string(logits.shape()) + "; one weight a class has shape " + to_string(Shape{classes}));
  if (!is_floating(weights.dtype()))
    throw DTypeError("cross_entropy: weights are " + describe(weights) + "; cast them to the logits' dtype");
}

}  // namespace

namespace ops {

struct CrossEntropy {
  static constexpr OpInfo info{
      .name = "cross_entropy",
      .formula = "y = -w[t] ln softmax(x)[t]",
      .doc = "The negative logarithm of the target classes' shares, in one pass over the logits.",
      .inputs = {"logits", "targets", "weights"},
      .fixed = {1, 2},
      .optional = {2}};
  struct Attrs {
    double label_smoothing = 0;
    std::int64_t ignore_index = -100;
    Reduce reduction = Reduce::mean;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"label_smoothing", &Attrs::label_smoothing, "share spread evenly over all classes"},
                        Field{"ignore_index", &Attrs::ignore_index, "target of samples that do not count"},
                        Field{"reduction", &Attrs::reduction, "mean, sum or none"}};
    }
  };

  static TensorSpec result(const Attrs& a, const Tensor& x, const Tensor& targets, const Tensor& weights) {
    check_options(x, weights, a.label_smoothing);
    const Shape samples = x.shape().erase(class_axis(x.shape()));
    if (targets.shape() != samples)
      throw ShapeError("cross_entropy: logits are " + to_string(x.shape()) + ", targets " + to_string(targets.shape()) +
                       "; class indices for them have shape " + to_string(samples));
    if (is_floating(targets.dtype()) || targets.dtype() == boolean)
      throw DTypeError("cross_entropy: targets are " + describe(targets) +
                       ", not class indices; cast them to i64, or give probabilities of shape " + to_string(x.shape()));
    return {a.reduction == Reduce::none ? samples : Shape{}, x.dtype()};
  }

  /// The arguments as the kernels take them.
  template <class T>
  struct Prepared {
    Slab slab;
    Tensor targets, weights;
    kernels::CrossEntropyTerms<T> terms;
    T total = 0;  ///< weight of all samples that count

    /// What each sample's loss is multiplied by for a mean or a sum.
    T share(Reduce reduction) const { return reduction == Reduce::sum ? T{1} : total == 0 ? T{0} : 1 / total; }
  };

  template <class T>
  static Prepared<T> prepare(const Attrs& a, const Tensor& x, const Tensor& targets, const Tensor& weights) {
    const Tensor indices = cast(targets, i64).contiguous();
    const Tensor scale = weights.defined() ? cast(weights, x.dtype()).contiguous() : Tensor();
    const Slab slab = slab_around(x.shape(), class_axis(x.shape()));
    const auto smoothing = static_cast<T>(a.label_smoothing);
    Prepared<T> p{slab,
                  indices,
                  scale,
                  {.targets = indices.data<std::int64_t>(),
                   .ignored = a.ignore_index,
                   .weights = scale.defined() ? scale.data<T>().data() : nullptr,
                   .own = 1 - smoothing,
                   .spread = smoothing / static_cast<T>(slab.count)}};
    double total = 0;
    for (std::size_t i = 0; i < p.terms.targets.size(); ++i) {
      const std::int64_t target = p.terms.targets[i];
      if (target == a.ignore_index) continue;
      if (target < 0 || target >= p.slab.count)
        throw IndexError("cross_entropy: target " + std::to_string(target) + " at position " + std::to_string(i) +
                         " is outside the " + std::to_string(p.slab.count) + " classes of logits " +
                         to_string(x.shape()) + "; ignore_index is " + std::to_string(a.ignore_index));
      total += static_cast<double>(p.terms.weight(target));
    }
    p.total = static_cast<T>(total);
    return p;
  }

  static void forward(const Attrs& a, const Tensor& x, const Tensor& targets, const Tensor& weights, Tensor& y) {
    dispatch_floating(x.dtype(), [&]<class T>() {
      const Prepared<T> p = prepare<T>(a, x, targets, weights);
      const T* logits = x.data<T>().data();
      if (a.reduction == Reduce::none)
        return kernels::cross_entropy(p.slab, logits, p.terms, y.mutable_data<T>().data());
      Tensor losses = empty(targets.shape(), x.dtype());
      T* out = losses.mutable_data<T>().data();
      kernels::cross_entropy(p.slab, logits, p.terms, out);
      T& total = y.mutable_data<T>()[0];
      kernels::sum(Slab{1, losses.numel(), 1}, out, &total);
      total *= p.share(a.reduction);
    });
  }

  static Tensor vjp(wrt<0>, const Attrs& a, const Tensor& g, const Tensor& x, const Tensor& targets,
                    const Tensor& weights, Unsaved) {
    return dispatch_floating(x.dtype(), [&]<class T>() {
      const Prepared<T> p = prepare<T>(a, x, targets, weights);
      return grad_enabled() ? recorded_gradient(a, g, x, p) : fused_gradient(a, g, x.contiguous(), p);
    });
  }

  template <class T>
  static Tensor fused_gradient(const Attrs& a, const Tensor& g, const Tensor& x, const Prepared<T>& p) {
    Tensor dx = empty(x.shape(), x.dtype());
    const Tensor dense = g.contiguous();
    const T* cotangents = dense.data<T>().data();
    const T one = a.reduction == Reduce::none ? T{1} : *cotangents * p.share(a.reduction);
    const bool each = a.reduction == Reduce::none;
    kernels::cross_entropy_gradient(p.slab, x.data<T>().data(), p.terms, each ? cotangents : &one, each ? 1 : 0,
                                    dx.mutable_data<T>().data());
    return dx;
  }

  /// The same on tensors: g (m softmax(x) - d), where sample n's target distribution d[n] has the mass m[n].
  template <class T>
  static Tensor recorded_gradient(const Attrs& a, const Tensor& g, const Tensor& x, const Prepared<T>& p) {
    const int axis = class_axis(x.shape());
    Tensor distribution = zeros(x.shape(), x.dtype()), mass = zeros(x.shape().with(axis, 1), x.dtype());
    T* d = distribution.mutable_data<T>().data();
    T* m = mass.mutable_data<T>().data();
    const T spread = p.terms.total_spread(p.slab.count);
    for (std::int64_t lane = 0; lane < p.slab.lanes(); ++lane) {
      const std::int64_t target = p.terms.targets[static_cast<std::size_t>(lane)];
      if (target == a.ignore_index) continue;
      T* classes = d + lane / p.slab.inner * p.slab.count * p.slab.inner + lane % p.slab.inner;
      for (std::int64_t c = 0; c < p.slab.count; ++c) classes[c * p.slab.inner] = p.terms.spread_weight(c);
      classes[target * p.slab.inner] += p.terms.own_weight(target);
      m[lane] = p.terms.own_weight(target) + spread;
    }
    const Tensor cotangents =
        a.reduction == Reduce::none ? unsqueeze(g, axis) : g * static_cast<double>(p.share(a.reduction));
    return cotangents * (where(mass == 0, 0, mass * softmax(x, axis)) - distribution);
  }

  static Cost cost(const Attrs&, const Node& node) {
    const Node& x = *node.edges()[0].node();
    const auto n = static_cast<double>(x.shape.numel());
    return {14 * n, n * static_cast<double>(size_of(x.dtype))};
  }
  static std::vector<SampleOf<CrossEntropy>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    const Tensor weights = rand({3}, 0.5, 2, f64, rng), targets = tensor({2, 0, 1, 2}, i64);
    return {{{x({4, 3}), targets}, {}},
            {{x({4, 3}), targets, weights}, {.label_smoothing = 0.2}},
            {{x({4, 3}), tensor({2, -100, 1, -100}, i64), weights}, {.reduction = Reduce::sum}},
            {{x({2, 3, 2}), tensor({2, 0, 1, 1}, {2, 2}, i64), weights},
             {.label_smoothing = 0.1, .ignore_index = 0, .reduction = Reduce::none}},
            {{transpose(x({3, 2})), tensor({1, 2}, i64)}, {.reduction = Reduce::none}},
            {{x({3}), scalar(1, i64)}, {}},
            {{x({0, 3}), zeros({0}, i64)}, {}}};
  }
  static std::vector<BadInputOf<CrossEntropy>> bad_inputs() {
    const Tensor x = zeros({2, 3}), t = zeros({2}, i64);
    return {{{zeros({}), t}, {}, "logits are a scalar"},
            {{x, zeros({3}, i64)}, {}, "logits are [2, 3], targets [3]; class indices for them have shape [2]"},
            {{x, zeros({2})}, {}, "not class indices; cast them to i64, or give probabilities of shape [2, 3]"},
            {{x, tensor({0, 3}, i64)}, {}, "target 3 at position 1 is outside the 3 classes of logits [2, 3]"},
            {{x, tensor({-1, 0}, i64)}, {}, "target -1 at position 0"},
            {{x, t, ones({2})}, {}, "weights are [2], logits [2, 3]; one weight a class has shape [3]"},
            {{x, t, ones({3}, i64)}, {}, "cast them to the logits' dtype"},
            {{x, t}, {.label_smoothing = 1.5}, "label_smoothing is 1.5, not in [0, 1]"}};
  }
};

using CrossEntropyOps = OpList<CrossEntropy>;

}  // namespace ops

namespace {

/// The targets are probabilities: composed, so that they may have a gradient too.
Tensor soft_cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  check_options(logits, options.weights, options.label_smoothing);
  const Shape& shape = logits.shape();
  const int axis = class_axis(shape);
  const auto classes = static_cast<double>(shape[axis]);
  const Tensor logs = log_softmax(logits, axis);
  Tensor shares = targets;
  if (options.label_smoothing > 0) shares = targets * (1 - options.label_smoothing) + options.label_smoothing / classes;
  // A class that is impossible on both sides costs nothing, though ln 0 is infinite.
  const Tensor impossible = shares.detach() == 0 && logs.detach() < std::numeric_limits<double>::lowest();
  Tensor terms = where(impossible, 0, shares * logs);
  if (options.weights.defined()) {
    Shape along(std::vector<std::int64_t>(static_cast<std::size_t>(shape.rank()), 1));
    terms = terms * reshape(options.weights.detach(), along.with(axis, shape[axis]));
  }
  const Tensor losses = -sum(terms, {axis});
  return reduce(losses, options.reduction);
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  if (is_floating(targets.dtype()) && targets.shape() == logits.shape())
    return soft_cross_entropy(logits, targets, options);
  const ops::CrossEntropy::Attrs attributes{options.label_smoothing, options.ignore_index, options.reduction};
  return ops::CrossEntropyOps::apply<ops::CrossEntropy>(attributes, logits, targets, options.weights);
}

std::span<const OpEntry> cross_entropy_ops() { return ops::CrossEntropyOps::entries; }

}  // namespace tapegrad
