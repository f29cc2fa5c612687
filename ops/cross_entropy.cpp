#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/kernels/softmax.hpp>
#include <tapegrad/ops/kernels/sum.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

int class_axis(const Shape& logits) { return logits.rank() == 1 ? 0 : 1; }

void check_logits(const char* op, const Tensor& logits, const Tensor& weights) {
  if (logits.rank() == 0)
    throw ShapeError(std::string(op) + ": logits are a scalar; give [C], [N, C] or [N, C, ...] for C classes");
  if (!weights.defined()) return;
  const Shape classes{logits.shape()[class_axis(logits.shape())]};
  if (weights.shape() != classes)
    throw ShapeError(std::string(op) + ": weights are " + to_string(weights.shape()) + ", logits " +
                     to_string(logits.shape()) + "; one weight a class has shape " + to_string(classes));
  if (!is_floating(weights.dtype()))
    throw DTypeError(std::string(op) + ": weights are " + describe(weights) + "; cast them to the logits' dtype");
}

void check_smoothing(double label_smoothing) {
  if (!(label_smoothing >= 0 && label_smoothing <= 1))
    throw ValueError("cross_entropy: label_smoothing is " + format_attribute(label_smoothing) + ", not in [0, 1]");
}

Shape samples_of(const Shape& logits) { return logits.erase(class_axis(logits)); }

void check_classes(const char* op, const Tensor& x, const Tensor& targets, const Tensor& weights) {
  check_logits(op, x, weights);
  const Shape samples = samples_of(x.shape());
  if (targets.shape() != samples)
    throw ShapeError(std::string(op) + ": logits are " + to_string(x.shape()) + ", targets " +
                     to_string(targets.shape()) + "; class indices for them have shape " + to_string(samples));
  if (is_floating(targets.dtype()) || targets.dtype() == boolean)
    throw DTypeError(std::string(op) + ": targets are " + describe(targets) +
                     ", not class indices; cast them to i64, or give cross_entropy probabilities of shape " +
                     to_string(x.shape()));
}

Tensor loss_spec(const Tensor& logits, Reduce reduction) {
  return op::spec(reduction == Reduce::none ? samples_of(logits.shape()) : Shape{}, logits.dtype());
}

/// Classes, weights and logits' layout as the kernels take them.
template <class T>
struct ClassTargets {
  Slab slab;
  Tensor indices, weights;
  kernels::CrossEntropyTerms<T> terms;
  T total = 0;  ///< weight of all samples that count

  /// What each sample's loss is multiplied by for a mean or a sum.
  T share(Reduce reduction) const { return reduction == Reduce::sum ? T{1} : total == 0 ? T{0} : 1 / total; }

  std::int64_t target(std::int64_t lane) const { return terms.targets[static_cast<std::size_t>(lane)]; }
  bool counts(std::int64_t lane) const { return target(lane) != terms.ignored; }
  /// Position in the logits of a lane's class.
  std::int64_t at(std::int64_t lane, std::int64_t c) const {
    return (lane / slab.inner * slab.count + c) * slab.inner + lane % slab.inner;
  }
};

template <class T>
ClassTargets<T> class_targets(const char* op, const Tensor& x, const Tensor& targets, const Tensor& weights,
                              std::int64_t ignore_index, double label_smoothing = 0) {
  const Tensor indices = cast(targets, i64).contiguous();
  const Tensor scale = weights.defined() ? cast(weights, x.dtype()).contiguous() : Tensor();
  const Slab slab = slab_around(x.shape(), class_axis(x.shape()));
  const auto smoothing = static_cast<T>(label_smoothing);
  ClassTargets<T> t{slab,
                    indices,
                    scale,
                    {.targets = indices.data<std::int64_t>(),
                     .ignored = ignore_index,
                     .weights = scale.defined() ? scale.data<T>().data() : nullptr,
                     .own = 1 - smoothing,
                     .spread = smoothing / static_cast<T>(slab.count)}};
  double total = 0;
  for (std::int64_t lane = 0; lane < slab.lanes(); ++lane) {
    const std::int64_t target = t.target(lane);
    if (target == ignore_index) continue;
    if (target < 0 || target >= slab.count)
      throw IndexError(std::string(op) + ": target " + std::to_string(target) + " at position " + std::to_string(lane) +
                       " is outside the " + std::to_string(slab.count) + " classes of logits " + to_string(x.shape()) +
                       "; ignore_index is " + std::to_string(ignore_index));
    total += static_cast<double>(t.terms.weight(target));
  }
  t.total = static_cast<T>(total);
  return t;
}

/// Applies a reduction to what `losses(out)` writes, one a sample: T where nothing is reduced, else in Total<T>, since
/// a loss leaves the range sooner than the mean does.
template <class T, class Losses>
void reduce_samples(const ClassTargets<T>& t, Reduce reduction, Tensor& y, const Losses& losses) {
  T* out = y.mutable_data<T>().data();
  if (reduction == Reduce::none) return losses(out);
  Tensor all = empty({t.slab.lanes()}, dtype_of<Total<T>>());
  losses(all.mutable_data<Total<T>>().data());
  const Slab samples{1, t.slab.lanes(), 1};
  Total<T> sum = 0;
  kernels::sum(samples, all.data<Total<T>>().data(), &sum);
  const Total<T> share = t.share(reduction);
  if (!std::isfinite(sum) && share != 1) {  // the sum overflows sooner than the mean does
    for (Total<T>& loss : all.mutable_data<Total<T>>()) loss *= share;
    kernels::sum(samples, all.data<Total<T>>().data(), &sum);
  } else {
    sum *= share;
  }
  *out = static_cast<T>(sum);
}

/// The cotangent of each sample's loss, as a tensor that broadcasts to the logits.
template <class T>
Tensor sample_cotangents(const ClassTargets<T>& t, Reduce reduction, const Tensor& g, int axis) {
  return reduction == Reduce::none ? unsqueeze(g, axis) : g * static_cast<double>(t.share(reduction));
}

}  // namespace

namespace ops {

struct CrossEntropy {
  struct In {
    Tensor logits;
    op::Fixed targets;
    op::Optional<op::Fixed> weights = {};
  };
  struct Out {
    Tensor y;
  };
  using Kept = In;
  static constexpr OpInfo info{
      .name = "cross_entropy",
      .formula = "y = -w[t] ln softmax(x)[t]",
      .doc = "The negative logarithm of the target classes' shares, in one pass over the logits.",
      .group = Group::loss};
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

  static void check(const Attrs& a, const In& in) {
    check_smoothing(a.label_smoothing);
    check_classes("cross_entropy", in.logits, in.targets, in.weights);
  }
  static Out shapes(const Attrs& a, const In& in) { return {loss_spec(in.logits, a.reduction)}; }
  template <class T>
  static ClassTargets<T> prepare(const Attrs& a, const In& in) {
    return class_targets<T>("cross_entropy", in.logits, in.targets, in.weights, a.ignore_index, a.label_smoothing);
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    dispatch_floating(in.logits.dtype(), [&]<class T>() {
      const auto t = prepare<T>(a, in);
      reduce_samples(t, a.reduction, out.y, [&](auto* losses) {
        kernels::cross_entropy(t.slab, in.logits.data<T>().data(), t.terms, losses);
      });
    });
    return in;
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const Tensor& x = kept.logits;
    In d;
    d.logits = dispatch_floating(x.dtype(), [&]<class T>() {
      const auto t = prepare<T>(a, kept);
      return grad_enabled() ? recorded_gradient(a, g.y, x, t) : fused_gradient(a, g.y, x.contiguous(), t);
    });
    return d;
  }

  template <class T>
  static Tensor fused_gradient(const Attrs& a, const Tensor& g, const Tensor& x, const ClassTargets<T>& t) {
    Tensor dx = empty(x.shape(), x.dtype());
    const Tensor dense = g.contiguous();
    const bool each = a.reduction == Reduce::none;
    const T* cotangents = dense.data<T>().data();
    const T shared = each ? T{0} : *cotangents * t.share(a.reduction);
    kernels::cross_entropy_gradient(t.slab, x.data<T>().data(), t.terms, each ? cotangents : &shared, each ? 1 : 0,
                                    dx.mutable_data<T>().data());
    return dx;
  }

  /// The same on tensors: g (m softmax(x) - d), where a sample's target distribution d over the classes adds up to m.
  template <class T>
  static Tensor recorded_gradient(const Attrs& a, const Tensor& g, const Tensor& x, const ClassTargets<T>& t) {
    const int axis = class_axis(x.shape());
    Tensor distribution = zeros(x.shape(), x.dtype()), mass = zeros(x.shape().with(axis, 1), x.dtype());
    T* d = distribution.mutable_data<T>().data();
    T* m = mass.mutable_data<T>().data();
    const T spread = t.terms.total_spread(t.slab.count);
    for (std::int64_t lane = 0; lane < t.slab.lanes(); ++lane) {
      if (!t.counts(lane)) continue;
      const T own = t.terms.own_weight(t.target(lane));
      for (std::int64_t c = 0; c < t.slab.count; ++c) d[t.at(lane, c)] = t.terms.spread_weight(c);
      d[t.at(lane, t.target(lane))] += own;
      m[lane] = own + spread;
    }
    const Tensor shares = where(mass == 0, 0, mass * softmax(x, axis));
    return sample_cotangents(t, a.reduction, g, axis) * (shares - distribution);
  }

  static Cost cost(const Attrs&, const In& in, const Out&) { return internal::one_pass(14, in.logits, {in.logits}); }
  static std::vector<SampleOf<CrossEntropy>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    const Tensor weights = rand({3}, 0.5, 2, f64, rng), targets = tensor({2, 0, 1, 2}, i64);
    return {{{x({4, 3}), targets}, {}},
            {{x({4, 3}), targets, weights}, {.label_smoothing = 0.2}},
            {{x({4, 3}), tensor({2, -100, 1, -100}, i64), weights}, {.reduction = Reduce::sum}},
            {{x({2, 3, 2}), tensor({2, 0, 1, 1}, {2, 2}, i64), weights},
             {.label_smoothing = 0.1, .ignore_index = 0, .reduction = Reduce::none}},
            {{transpose(x({3, 2})), tensor({1, 2}, i64)}, {.reduction = Reduce::none}},
            {{x({2, 3}), tensor({1, 2}, i32), tensor({0.5, 1, 2})}, {}},
            {{x({3}), scalar(1, i64)}, {}},
            {{x({0, 3}), zeros({0}, i64)}, {}}};
  }
  static std::vector<BadInputOf<CrossEntropy>> bad_inputs() {
    const Tensor x = zeros({2, 3}), t = zeros({2}, i64);
    return {{{zeros({}), t}, {}, "logits are a scalar"},
            {{x, zeros({3}, i64)}, {}, "logits are [2, 3], targets [3]; class indices for them have shape [2]"},
            {{x, zeros({2})},
             {},
             "not class indices; cast them to i64, or give cross_entropy probabilities of shape [2, 3]"},
            {{x, tensor({0, 3}, i64)}, {}, "target 3 at position 1 is outside the 3 classes of logits [2, 3]"},
            {{x, tensor({-1, 0}, i64)}, {}, "target -1 at position 0"},
            {{x, t, ones({2})}, {}, "weights are [2], logits [2, 3]; one weight a class has shape [3]"},
            {{x, t, ones({3}, i64)}, {}, "cast them to the logits' dtype"},
            {{x, t}, {.label_smoothing = 1.5}, "label_smoothing is 1.5, not in [0, 1]"}};
  }
};

struct NllLoss {
  struct In {
    Tensor log_shares;
    op::Fixed targets;
    op::Optional<op::Fixed> weights = {};
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor targets, weights;
  };
  static constexpr OpInfo info{.name = "nll_loss",
                               .formula = "y = -w[t] x[t]",
                               .doc = "The negative of the target classes' logarithms.",
                               .group = Group::loss};
  struct Attrs {
    std::int64_t ignore_index = -100;
    Reduce reduction = Reduce::mean;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"ignore_index", &Attrs::ignore_index, "target of samples that do not count"},
                        Field{"reduction", &Attrs::reduction, "mean, sum or none"}};
    }
  };
  static void check(const Attrs&, const In& in) { check_classes("nll_loss", in.log_shares, in.targets, in.weights); }
  static Out shapes(const Attrs& a, const In& in) { return {loss_spec(in.log_shares, a.reduction)}; }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    dispatch_floating(in.log_shares.dtype(), [&]<class T>() {
      const auto t = class_targets<T>("nll_loss", in.log_shares, in.targets, in.weights, a.ignore_index);
      const T* logs = in.log_shares.data<T>().data();
      reduce_samples(t, a.reduction, out.y, [&]<class L>(L* losses) {
        for (std::int64_t lane = 0; lane < t.slab.lanes(); ++lane)
          losses[lane] =
              t.counts(lane) ? -L{t.terms.own_weight(t.target(lane))} * logs[t.at(lane, t.target(lane))] : L{0};
      });
    });
    return {in.targets, in.weights};
  }
  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    Tensor slope = zeros(wanted.shape(&In::log_shares), wanted.dtype(&In::log_shares));
    In d;
    d.log_shares = dispatch_floating(slope.dtype(), [&]<class T>() {
      const auto t = class_targets<T>("nll_loss", slope, kept.targets, kept.weights, a.ignore_index);
      T* s = slope.mutable_data<T>().data();
      for (std::int64_t lane = 0; lane < t.slab.lanes(); ++lane)
        if (t.counts(lane)) s[t.at(lane, t.target(lane))] = -t.terms.own_weight(t.target(lane));
      return sample_cotangents(t, a.reduction, g.y, class_axis(slope.shape())) * slope;
    });
    return d;
  }
  static Cost cost(const Attrs&, const In& in, const Out&) {
    return internal::one_pass(0, in.log_shares, {in.log_shares});
  }
  static std::vector<SampleOf<NllLoss>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    const Tensor weights = rand({3}, 0.5, 2, f64, rng), targets = tensor({2, 0, 1, 2}, i64);
    return {
        {{x({4, 3}), targets}, {}},
        {{x({4, 3}), tensor({2, -100, 1, -100}, i64), weights}, {.reduction = Reduce::sum}},
        {{x({2, 3, 2}), tensor({2, 0, 1, 1}, {2, 2}, i64), weights}, {.ignore_index = 0, .reduction = Reduce::none}},
        {{transpose(x({3, 2})), tensor({1, 2}, i64), weights}, {}},
        {{x({2, 3}), tensor({1, 2}, i32), tensor({0.5, 1, 2})}, {}},
        {{x({3}), scalar(1, i64)}, {}},
        {{x({0, 3}), zeros({0}, i64)}, {}}};
  }
  static std::vector<BadInputOf<NllLoss>> bad_inputs() {
    const Tensor x = zeros({2, 3});
    return {{{zeros({}), zeros({2}, i64)}, {}, "nll_loss: logits are a scalar"},
            {{x, zeros({3}, i64)}, {}, "nll_loss: logits are [2, 3], targets [3]"},
            {{x, zeros({2})}, {}, "not class indices"},
            {{x, tensor({0, 3}, i64)}, {}, "nll_loss: target 3 at position 1 is outside the 3 classes"},
            {{x, zeros({2}, i64), ones({2})}, {}, "nll_loss: weights are [2]"}};
  }
};

using CrossEntropyOps = OpList<CrossEntropy, NllLoss>;

}  // namespace ops

namespace {

/// The targets are probabilities: composed, so that they may have a gradient too.
Tensor soft_cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  check_logits("cross_entropy", logits, options.weights);
  check_smoothing(options.label_smoothing);
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
  return ops::CrossEntropyOps::apply<ops::CrossEntropy>(
             {options.label_smoothing, options.ignore_index, options.reduction}, {logits, targets, options.weights})
      .y;
}

Tensor nll_loss(const Tensor& log_shares, const Tensor& targets, const NllOptions& options) {
  return ops::CrossEntropyOps::apply<ops::NllLoss>({options.ignore_index, options.reduction},
                                                   {log_shares, targets, options.weights})
      .y;
}

std::span<const OpEntry> cross_entropy_ops() { return ops::CrossEntropyOps::entries; }

}  // namespace tapegrad
