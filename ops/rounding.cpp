#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/formulas/rounding.hpp>

namespace tapegrad {
namespace ops {

using namespace formula;

struct Clamp {
  static constexpr OpInfo info{
      .name = "clamp",
      .formula = "y = min(max(x, low), high)",
      .doc = "Gradient 0 at and beyond a bound. min above max is refused, which NumPy and PyTorch answer with max.",
      .inputs = {"x"},
      .flops = 2,
      .kind = Kind::numeric};
  struct Attrs {
    double min = -kInfinity<double>, max = kInfinity<double>;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"min", &Attrs::min, "lower bound"}, Field{"max", &Attrs::max, "upper bound"}};
    }
  };
  static void check(const Attrs& a) {
    if (!(a.min <= a.max))
      throw ValueError("clamp: min is " + format_attribute(a.min) + " and max " + format_attribute(a.max) +
                       "; min must not be above max, and neither may be NaN");
  }
  static std::vector<BadAttributesOf<Clamp>> bad_attributes() {
    return {{{1, -1}, "min is 1 and max -1; min must not be above max"},
            {{kNaN<double>, 1}, "min is nan"},
            {{0, kNaN<double>}, "max nan"}};
  }
  static auto value(const auto& x, const Attrs& a) { return clamp(x, a.min, a.max); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& a) {
    return where(x <= constant<decltype(x)>(a.min), 0, where(x >= constant<decltype(x)>(a.max), 0, g));
  }
};

struct NanToNum {
  static constexpr OpInfo info{.name = "nan_to_num",
                               .formula = "y = x where finite, else a number",
                               .doc = "Infinities become the largest finite numbers. Gradient 0 where replaced.",
                               .inputs = {"x"}};
  struct Attrs {
    double nan = 0, posinf = kInfinity<double>, neginf = -kInfinity<double>;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"nan", &Attrs::nan, "in place of NaN"},
                        Field{"posinf", &Attrs::posinf, "in place of +inf, cut to the dtype's largest number"},
                        Field{"neginf", &Attrs::neginf, "in place of -inf, cut to the dtype's lowest number"}};
    }
  };
  static void check(const Attrs& a) {
    if (!(a.posinf > -kInfinity<double>))
      throw ValueError("nan_to_num: posinf is " + format_attribute(a.posinf) + "; it must be a number, or inf");
    if (!(a.neginf < kInfinity<double>))
      throw ValueError("nan_to_num: neginf is " + format_attribute(a.neginf) + "; it must be a number, or -inf");
  }
  static std::vector<BadAttributesOf<NanToNum>> bad_attributes() {
    return {{{.posinf = kNaN<double>}, "posinf is nan; it must be a number, or inf"},
            {{.posinf = -kInfinity<double>}, "posinf is -inf"},
            {{.neginf = kNaN<double>}, "neginf is nan; it must be a number, or -inf"},
            {{.neginf = kInfinity<double>}, "neginf is inf"}};
  }
  static auto value(const auto& x, const Attrs& a) {
    using T = typename ScalarOf<std::remove_cvref_t<decltype(x)>>::type;
    constexpr T kMost = std::numeric_limits<T>::max();
    const T above = minimum(static_cast<T>(a.posinf), kMost), below = maximum(static_cast<T>(a.neginf), -kMost);
    const T bounded = x == kInfinity<T> ? above : x == -kInfinity<T> ? below : x;
    return x == x ? bounded : static_cast<T>(a.nan);
  }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs&) { return where(x - x == 0, g, 0); }
};

using RoundingOps = OpList<Floor, Ceil, Round, Trunc, Fmod, Remainder, Clamp, NanToNum, Fmax, Fmin, Copysign>;

}  // namespace ops

using ops::RoundingOps;

Tensor floor(const Tensor& x) { return RoundingOps::apply<ops::Floor>(x); }
Tensor ceil(const Tensor& x) { return RoundingOps::apply<ops::Ceil>(x); }
Tensor round(const Tensor& x) { return RoundingOps::apply<ops::Round>(x); }
Tensor trunc(const Tensor& x) { return RoundingOps::apply<ops::Trunc>(x); }
Tensor fmod(const Tensor& a, const Operand& b) { return RoundingOps::apply<ops::Fmod>(a, b); }
Tensor fmod(Number a, const Tensor& b) { return RoundingOps::apply<ops::Fmod>(Operand(a), b); }
Tensor remainder(const Tensor& a, const Operand& b) { return RoundingOps::apply<ops::Remainder>(a, b); }
Tensor remainder(Number a, const Tensor& b) { return RoundingOps::apply<ops::Remainder>(Operand(a), b); }

Tensor clamp(const Tensor& x, std::optional<double> min, std::optional<double> max) {
  if (!min && !max) throw ValueError("clamp: neither min nor max is given; give one of them, or both");
  ops::Clamp::Attrs bounds;
  if (min) bounds.min = *min;
  if (max) bounds.max = *max;
  return RoundingOps::apply<ops::Clamp>(bounds, x);
}
Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max) { return minimum(maximum(x, min), max); }

Tensor nan_to_num(const Tensor& x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
  ops::NanToNum::Attrs numbers{.nan = nan};
  if (posinf) numbers.posinf = *posinf;
  if (neginf) numbers.neginf = *neginf;
  return RoundingOps::apply<ops::NanToNum>(numbers, x);
}

Tensor fmax(const Tensor& a, const Operand& b) { return RoundingOps::apply<ops::Fmax>(a, b); }
Tensor fmax(Number a, const Tensor& b) { return RoundingOps::apply<ops::Fmax>(Operand(a), b); }
Tensor fmin(const Tensor& a, const Operand& b) { return RoundingOps::apply<ops::Fmin>(a, b); }
Tensor fmin(Number a, const Tensor& b) { return RoundingOps::apply<ops::Fmin>(Operand(a), b); }
Tensor copysign(const Tensor& a, const Operand& b) { return RoundingOps::apply<ops::Copysign>(a, b); }
Tensor copysign(Number a, const Tensor& b) { return RoundingOps::apply<ops::Copysign>(Operand(a), b); }

std::span<const OpEntry> rounding_ops() { return RoundingOps::entries; }

}  // namespace tapegrad
