#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/internal/special_families.hpp>

namespace tapegrad {
namespace ops {

using namespace formula;

struct Erf {
  static constexpr OpInfo info{
      .name = "erf", .formula = "y = 2/√π ∫₀ˣ exp(-t²) dt", .doc = "Error function.", .inputs = {"x"}, .flops = 20};
  static auto value(const auto& x) { return erf(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * exp(-x * x) * constant<decltype(x)>(1.128379167095512573896158903L);
  }
};

struct Erfc {
  static constexpr OpInfo info{
      .name = "erfc", .formula = "y = 1 - erf(x)", .doc = "Precise in the tail.", .inputs = {"x"}, .flops = 20};
  static auto value(const auto& x) { return erfc(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * exp(-x * x) * constant<decltype(x)>(-1.128379167095512573896158903L);
  }
};

struct Erfinv {
  static constexpr OpInfo info{.name = "erfinv",
                               .formula = "erf(y) = x",
                               .doc = "±inf at ±1, NaN beyond.",
                               .inputs = {"x"},
                               .flops = 80,
                               .saves = kSavesOutput,
                               .domain = {{-0.9, 0.9}}};
  static auto value(const auto& x) { return erfinv(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) {
    return g * exp(y * y) * constant<decltype(y)>(0.886226925452758013649083741671L);
  }
};

struct NormalCdf {
  static constexpr OpInfo info{.name = "normal_cdf",
                               .formula = "y = erfc(-x / √2) / 2",
                               .doc = "The probability that a standard normal variable is below x.",
                               .inputs = {"x"},
                               .flops = 20};
  static auto value(const auto& x) { return normal_cdf(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * normal_density(x); }
};

struct NormalDensity {
  static constexpr OpInfo info{
      .name = "normal_density", .formula = "y = exp(-x² / 2) / √(2π)", .inputs = {"x"}, .flops = 8};
  static auto value(const auto& x) { return normal_density(x); }
  // Bounded where the density is 0: the product vanishes at infinity.
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return -g * exp_times(x * x / -2, clamp(x, -40, 40) * constant<decltype(x)>(0.3989422804014326779399461L));
  }
};

struct Lgamma {
  static constexpr OpInfo info{.name = "lgamma",
                               .formula = "y = ln |Γ(x)|",
                               .doc = "+inf at 0 and the negative whole numbers.",
                               .inputs = {"x"},
                               .flops = 100,
                               .domain = {{0.4, 4}}};
  static auto value(const auto& x) { return lgamma(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * digamma(x); }
};

struct Digamma {
  static constexpr OpInfo info{.name = "digamma",
                               .formula = "y = Γ'(x) / Γ(x)",
                               .doc = "∓inf at ±0, NaN at the negative whole numbers.",
                               .inputs = {"x"},
                               .flops = 100,
                               .domain = {{0.4, 4}}};
  static auto value(const auto& x) { return digamma(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * polygamma(1, x); }
};

struct Polygamma {
  static constexpr OpInfo info{.name = "polygamma",
                               .formula = "y = the derivative of digamma at x",
                               .doc = "Of the order that is given.",
                               .inputs = {"x"},
                               .flops = 500,
                               .domain = {{0.6, 4}}};
  struct Attrs {
    int order = 1;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"order", &Attrs::order, "of the derivative"}}; }
  };
  static void check(const Attrs& a) {
    if (a.order < 0 || a.order > kMaxPolygammaOrder)
      throw ValueError("polygamma: the order is " + std::to_string(a.order) + ", not from 0 to " +
                       std::to_string(kMaxPolygammaOrder));
  }
  static std::vector<BadAttributesOf<Polygamma>> bad_attributes() {
    return {{{-1}, "the order is -1, not from 0 to 30"}, {{31}, "the order is 31"}};
  }
  static auto value(const auto& x, const Attrs& a) { return polygamma(a.order, x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& a) {
    // Beyond the largest order it is NaN, as the value is.
    return g * polygamma(std::min(a.order, formula::kMaxPolygammaOrder + 1) + 1, x);
  }
};

struct Logaddexp {
  static constexpr OpInfo info{.name = "logaddexp",
                               .formula = "y = ln(eᵃ + eᵇ)",
                               .doc = "Without overflow; -inf with gradient 0 where both are -inf.",
                               .inputs = {"a", "b"},
                               .flops = 20};
  static auto value(const auto& a, const auto& b) { return maximum(a, b) + log1p(exp(-abs(where(a == b, 0, a - b)))); }
  /// The part of exp(a) in the sum: a half each of equal infinities, though their difference is NaN.
  static auto share(const auto& a, const auto& b) {
    const auto infinity = constant<decltype(b)>(kInfinity<double>);
    const auto part = logistic(where(a == b && b == infinity, 0, a - b));
    return where(a == -infinity && b == -infinity, 0, part);
  }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) { return g * share(a, b); }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) { return g * share(b, a); }
};

struct Xlogy {
  static constexpr OpInfo info{.name = "xlogy",
                               .formula = "y = a ln b",
                               .doc = "0 where a is 0, even where b is too; the gradients at (0, 0) are 0.",
                               .inputs = {"a", "b"},
                               .flops = 10,
                               .domain = {{-2, 2}, {0.3, 3}}};
  static auto value(const auto& a, const auto& b) { return where(a == 0 && b == b, 0, a * log(b)); }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) {
    // g inside the choice: between two numbers, were b one, `where` would choose in f32.
    return where(a == 0 && b <= 0, 0, g * log(b));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) {
    return g * valid(a == 0 || b >= 0, b) * where(a == 0 && b == 0, 0, a / b);
  }
};

struct Xlog1py {
  static constexpr OpInfo info{.name = "xlog1py",
                               .formula = "y = a ln(1 + b)",
                               .doc = "0 where a is 0, even where b is -1; the gradients at (0, -1) are 0.",
                               .inputs = {"a", "b"},
                               .flops = 12,
                               .domain = {{-2, 2}, {-0.7, 3}}};
  static auto value(const auto& a, const auto& b) { return where(a == 0 && b == b, 0, a * log1p(b)); }
  static auto vjp(wrt<0>, const auto& g, const auto& a, const auto& b, const auto&) {
    return where(a == 0 && b <= -1, 0, g * log1p(b));
  }
  static auto vjp(wrt<1>, const auto& g, const auto& a, const auto& b, const auto&) {
    return g * valid(a == 0 || b >= -1, b) * where(a == 0 && b == -1, 0, a / (1 + b));
  }
};

struct Entr {
  static constexpr OpInfo info{.name = "entr",
                               .formula = "y = -x ln x",
                               .doc = "What a probability contributes to entropy: 0 at 0, -inf below.",
                               .inputs = {"x"},
                               .flops = 12,
                               .domain = {{0.05, 2}}};
  static auto value(const auto& x) {
    return where(x == 0, 0, where(x < 0, constant<decltype(x)>(-kInfinity<double>), -x * log(x)));
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return -g * (log(x) + 1); }
};

struct LogNormalCdf {
  static constexpr OpInfo info{.name = "log_normal_cdf",
                               .formula = "y = ln(erfc(-x / √2) / 2)",
                               .doc = "Without underflow.",
                               .inputs = {"x"},
                               .flops = 300,
                               .domain = {{-4, 3}}};
  static auto value(const auto& x) {
    const auto root = constant<decltype(x)>(0.7071067811865475244008444L);
    return where(x < -1, log(erfcx(-x * root) / 2) - x * x / 2, log1p(-erfc(x * root) / 2));
  }
  // Density over probability, as a quotient whose terms stay in range on either side.
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    const auto root = constant<decltype(x)>(0.7071067811865475244008444L);
    const auto above = exp_times(x * x / -2, constant<decltype(x)>(0.3989422804014326779399461L) / normal_cdf(x));
    return g * where(x > 0, above, constant<decltype(x)>(0.7978845608028653558798921L) / erfcx(-x * root));
  }
};

struct NormalQuantile {
  static constexpr OpInfo info{.name = "normal_quantile",
                               .formula = "normal_cdf(y) = p",
                               .doc = "±inf, with gradient inf, at 0 and 1; NaN outside.",
                               .inputs = {"p"},
                               .flops = 1000,
                               .saves = kSavesAll,
                               .domain = {{0.02, 0.98}}};
  static auto value(const auto& p) { return normal_quantile(p); }
  // One over the density, as the tail's mills ratio over its probability: exp(y² / 2) would multiply y's rounding.
  static auto vjp(wrt<0>, const auto& g, const auto& p, const auto& y) {
    const auto root = constant<decltype(p)>(0.7071067811865475244008444L);
    const auto below = erfcx(-y * root) / p, above = erfcx(y * root) / (1 - p);
    const auto slope = where(p < 0.5, below, above) * constant<decltype(p)>(1.253314137315500251207883L);
    return g * where(p == 0 || p == 1, constant<decltype(p)>(kInfinity<double>), slope);
  }
};

using SpecialOps = OpList<Erf, Erfc, Erfinv, NormalCdf, NormalDensity, LogNormalCdf, NormalQuantile, Lgamma, Digamma,
                          Polygamma, Logaddexp, Xlogy, Xlog1py, Entr>;

}  // namespace ops

using ops::SpecialOps;

Tensor erf(const Tensor& x) { return SpecialOps::apply<ops::Erf>(x); }
Tensor erfc(const Tensor& x) { return SpecialOps::apply<ops::Erfc>(x); }
Tensor erfinv(const Tensor& x) { return SpecialOps::apply<ops::Erfinv>(x); }
Tensor normal_cdf(const Tensor& x) { return SpecialOps::apply<ops::NormalCdf>(x); }
Tensor normal_density(const Tensor& x) { return SpecialOps::apply<ops::NormalDensity>(x); }
Tensor log_normal_cdf(const Tensor& x) { return SpecialOps::apply<ops::LogNormalCdf>(x); }
Tensor normal_quantile(const Tensor& p) { return SpecialOps::apply<ops::NormalQuantile>(p); }
Tensor lgamma(const Tensor& x) { return SpecialOps::apply<ops::Lgamma>(x); }
Tensor digamma(const Tensor& x) { return SpecialOps::apply<ops::Digamma>(x); }
Tensor polygamma(int order, const Tensor& x) {
  return order == 0 ? digamma(x) : SpecialOps::apply<ops::Polygamma>(ops::Polygamma::Attrs{.order = order}, x);
}
Tensor logaddexp(const Operand& a, const Operand& b) { return SpecialOps::apply<ops::Logaddexp>(a, b); }
Tensor xlogy(const Operand& a, const Operand& b) { return SpecialOps::apply<ops::Xlogy>(a, b); }
Tensor xlog1py(const Operand& a, const Operand& b) { return SpecialOps::apply<ops::Xlog1py>(a, b); }
Tensor entr(const Tensor& x) { return SpecialOps::apply<ops::Entr>(x); }

std::span<const OpEntry> special_ops() { return SpecialOps::entries; }

}  // namespace tapegrad
