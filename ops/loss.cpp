#include <cmath>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

using namespace formula;

struct BinaryCrossEntropy {
  static constexpr OpInfo info{.name = "binary_cross_entropy",
                               .formula = "l = -(y ln p + (1 - y) ln(1 - p))",
                               .doc = "Elementwise; what a target of exactly 0 or 1 does not ask for is not computed.",
                               .inputs = {"p", "y"},
                               .flops = 30,
                               .domain = {{0.1, 0.9}, {0.1, 0.9}},
                               .group = Group::loss};
  static auto value(const auto& p, const auto& y) {
    return -(where(y == 0, 0, y * log(p)) + where(y == 1, 0, (1 - y) * log1p(-p))) * valid(p >= 0 && p <= 1, p);
  }
  static auto vjp(wrt<0>, const auto& g, const auto& p, const auto& y, const auto&) {
    return g * valid(p >= 0 && p <= 1, p) * (where(y == 1, 0, (1 - y) / (1 - p)) - where(y == 0, 0, y / p));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& p, const auto&, const auto&) { return g * (log1p(-p) - log(p)); }
};

struct BinaryCrossEntropyWithLogits {
  static constexpr OpInfo info{.name = "binary_cross_entropy_with_logits",
                               .formula = "l = max(x, 0) - x y + ln(1 + exp(-|x|))",
                               .doc = "Elementwise binary cross entropy of sigmoid(x), without overflow.",
                               .inputs = {"x", "y"},
                               .flops = 20,
                               .domain = {{-4, 4}, {0, 1}},
                               .group = Group::loss};
  static auto value(const auto& x, const auto& y) { return where(x > 0, x * (1 - y), -x * y) + log1p(exp(-abs(x))); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto& y, const auto&) {
    // The smaller of sigmoid(x) and its complement has all digits.
    const auto smaller = logistic(where(x > 0, -x, x));
    return g * where(x > 0, (1 - y) - smaller, smaller - y);
  }
  static auto vjp(wrt<1>, const auto& g, const auto& x, const auto&, const auto&) { return -g * x; }
};

struct Huber {
  static constexpr OpInfo info{.name = "huber",
                               .formula = "l = d²/2 where |d| ≤ delta, else delta (|d| - delta/2), for d = a - b",
                               .doc = "A parabola that goes on as its tangents.",
                               .inputs = {"a", "b"},
                               .flops = 6,
                               .domain = {{-3, 3}},
                               .group = Group::loss};
  struct Attrs {
    double delta = 1;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"delta", &Attrs::delta, "where the parabola ends"}}; }
  };
  static void check(const Attrs& at) { require_positive(info.name, "delta", at.delta); }
  static std::vector<BadAttributesOf<Huber>> bad_attributes() {
    return {{{kNaN<double>}, "delta is nan; it must be finite and above 0"},
            {{kInfinity<double>}, "delta is inf; it must be finite and above 0"},
            {{0}, "delta is 0; it must be finite and above 0"},
            {{-1}, "delta is -1; it must be finite and above 0"}};
  }
  static auto value(const auto& a, const auto& b, const Attrs& at) {
    return where(abs(a - b) <= constant<decltype(a)>(at.delta), (a - b) * (a - b) / 2,
                 (abs(a - b) - constant<decltype(a)>(at.delta / 2)) * constant<decltype(a)>(at.delta));
  }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&, const Attrs& at) {
    return where(abs(a - b) <= constant<decltype(a)>(at.delta), g * (a - b),
                 g * sign(a - b) * constant<decltype(a)>(at.delta));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&, const Attrs& at) {
    return where(abs(a - b) <= constant<decltype(a)>(at.delta), g * (b - a),
                 g * sign(b - a) * constant<decltype(a)>(at.delta));
  }
};

struct KlDivergence {
  static constexpr OpInfo info{
      .name = "kl_divergence",
      .formula = "l = t (ln t - x)",
      .doc = "Elementwise terms of the divergence of eˣ from t; 0, with gradient 0, where t is 0.",
      .inputs = {"x", "t"},
      .flops = 16,
      .domain = {{-3, 0}, {0.1, 0.9}},
      .group = Group::loss};
  static auto value(const auto& x, const auto& t) { return where(t == 0, 0, t * (log(t) - x)); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& t, const auto&) { return -g * t; }
  static auto vjp(wrt<1>, const auto& g, const auto& x, const auto& t, const auto&) {
    return where(t == 0, 0, g * (log(t) + 1 - x));
  }
};

using LossOps = OpList<BinaryCrossEntropy, BinaryCrossEntropyWithLogits, Huber, KlDivergence>;

}  // namespace ops

namespace {

using ops::LossOps;

void require_one_shape(const char* op, const char* first, const Tensor& a, const char* second, const Tensor& b) {
  if (a.shape() == b.shape()) return;
  throw ShapeError(std::string(op) + ": " + first + " is " + to_string(a.shape()) + ", " + second + " " +
                   to_string(b.shape()) + "; they must have one shape: reshape() or broadcast_to() the other");
}

Tensor weighted(const Tensor& losses, const Tensor& weights) { return weights.defined() ? losses * weights : losses; }

}  // namespace

std::string format_attribute(Reduce value) {
  return value == Reduce::mean ? "mean" : value == Reduce::sum ? "sum" : "none";
}

void parse_attribute(std::string_view name, std::string_view text, Reduce& value) {
  for (const Reduce known : {Reduce::mean, Reduce::sum, Reduce::none})
    if (text == format_attribute(known)) {
      value = known;
      return;
    }
  throw ValueError("attribute " + std::string(name) + ": '" + std::string(text) + "' is not mean, sum or none");
}

Tensor reduce(const Tensor& losses, Reduce reduction) {
  if (reduction == Reduce::none) return losses;
  return reduction == Reduce::mean && losses.numel() > 0 ? mean(losses) : sum(losses);
}

Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& targets,
                            const BinaryCrossEntropyOptions& options) {
  require_one_shape("binary_cross_entropy", "probabilities", probabilities, "targets", targets);
  if (options.positive_weights.defined())
    throw ValueError("binary_cross_entropy: positive_weights are for binary_cross_entropy_with_logits");
  return reduce(weighted(LossOps::apply<ops::BinaryCrossEntropy>(probabilities, targets), options.weights),
                options.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets,
                                        const BinaryCrossEntropyOptions& options) {
  require_one_shape("binary_cross_entropy_with_logits", "logits", logits, "targets", targets);
  const Tensor losses = options.positive_weights.defined()
                            ? (1 - targets) * softplus(logits) + options.positive_weights * targets * softplus(-logits)
                            : LossOps::apply<ops::BinaryCrossEntropyWithLogits>(logits, targets);
  return reduce(weighted(losses, options.weights), options.reduction);
}

Tensor mse_loss(const Tensor& prediction, const Tensor& target, Reduce reduction) {
  require_one_shape("mse_loss", "prediction", prediction, "target", target);
  const Tensor d = prediction - target, loss = reduce(square(d), reduction);
  if (reduction != Reduce::mean || std::isfinite(loss.item())) return loss;
  // Squares may leave the range although their mean does not.
  const Tensor scale = internal::scale_to_one(d, {});
  return mean(d * (d * scale)) / reshape(scale, {});
}

Tensor l1_loss(const Tensor& prediction, const Tensor& target, Reduce reduction) {
  require_one_shape("l1_loss", "prediction", prediction, "target", target);
  return reduce(abs(prediction - target), reduction);
}

Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta, Reduce reduction) {
  require_one_shape("huber_loss", "prediction", prediction, "target", target);
  return reduce(LossOps::apply<ops::Huber>(ops::Huber::Attrs{delta}, prediction, target), reduction);
}

Tensor smooth_l1_loss(const Tensor& prediction, const Tensor& target, double beta, Reduce reduction) {
  require_one_shape("smooth_l1_loss", "prediction", prediction, "target", target);
  require_not_negative("smooth_l1_loss", "beta", beta);
  return beta == 0 ? l1_loss(prediction, target, reduction) : huber_loss(prediction, target, beta, reduction) / beta;
}

Tensor kl_div(const Tensor& log_shares, const Tensor& target, Reduce reduction) {
  require_one_shape("kl_div", "log_shares", log_shares, "target", target);
  const Tensor terms = LossOps::apply<ops::KlDivergence>(log_shares, target);
  if (reduction != Reduce::mean) return reduce(terms, reduction);
  const std::int64_t samples = terms.rank() > 0 ? terms.shape()[0] : 1;
  return sum(terms) / static_cast<double>(std::max<std::int64_t>(samples, 1));
}

Tensor hinge_loss(const Tensor& scores, const Tensor& targets, double margin, Reduce reduction) {
  require_one_shape("hinge_loss", "scores", scores, "targets", targets);
  require_finite("hinge_loss", "margin", margin);
  return reduce(relu(margin - scores * targets), reduction);
}

Tensor triplet_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                    const TripletOptions& options) {
  require_one_shape("triplet_loss", "anchor", anchor, "positive", positive);
  require_one_shape("triplet_loss", "anchor", anchor, "negative", negative);
  require_finite("triplet_loss", "margin", options.margin);
  const auto distance = [&](const Tensor& a, const Tensor& b) { return norm(a - b, options.p, {-1}); };
  const Tensor near = distance(anchor, positive), direct = distance(anchor, negative);
  const Tensor far = options.swap ? minimum(direct, distance(positive, negative)) : direct;
  return reduce(relu(near - far + options.margin), options.reduction);
}

std::span<const OpEntry> loss_ops() { return ops::LossOps::entries; }

}  // namespace tapegrad
