#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/formulas/special.hpp>
#include <tapegrad/ops/internal/special_families.hpp>

namespace tapegrad {
namespace ops {

using namespace formula;

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
  static auto value(const auto& x, const Attrs& a) { return PolygammaRule::value(x, a.order); }
  static auto vjp(wrt<0> w, const auto& g, const auto& x, const auto& y, const Attrs& a) {
    return PolygammaRule::vjp(w, g, x, y, a.order);
  }
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
