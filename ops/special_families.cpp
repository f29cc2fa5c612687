// Functions whose derivatives are of their own kind: each op is a family, and its gradient the next member.

#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/internal/special_families.hpp>

namespace tapegrad {
namespace {

void require_order(std::string_view op, const char* name, int order) {
  if (order < 0 || order > formula::kMaxFamilyOrder)
    throw ValueError(std::string(op) + ": the " + name + " is " + std::to_string(order) + ", not from 0 to " +
                     std::to_string(formula::kMaxFamilyOrder));
}

}  // namespace

namespace ops {

using namespace formula;

struct Sinc {
  static constexpr OpInfo info{.name = "sinc",
                               .formula = "y = sin(πx) / (πx)",
                               .doc = "Exactly 0 at the whole numbers but 0, where it is 1; or a derivative of it.",
                               .inputs = {"x"},
                               .flops = 60};
  struct Attrs {
    int derivative = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"derivative", &Attrs::derivative, "its order"}}; }
  };
  static void check(const Attrs& at) { require_order(info.name, "derivative", at.derivative); }
  static std::vector<BadAttributesOf<Sinc>> bad_attributes() {
    return {{{-1}, "sinc: the derivative is -1, not from 0 to 30"}, {{31}, "the derivative is 31"}};
  }
  static auto value(const auto& x, const Attrs& at) { return sinc(x, at.derivative); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& at) {
    return g * sinc(x, at.derivative + 1);
  }
};

struct Erfcx {
  static constexpr OpInfo info{.name = "erfcx",
                               .formula = "y = exp(x²) erfc(x)",
                               .doc = "Scaled so that it does not underflow; or instead of erfc, its integrals.",
                               .inputs = {"x"},
                               .flops = 300};
  struct Attrs {
    int integrals = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"integrals", &Attrs::integrals, "how often erfc is integrated from x to infinity"}};
    }
  };
  static void check(const Attrs& at) { require_order(info.name, "number of integrals", at.integrals); }
  static std::vector<BadAttributesOf<Erfcx>> bad_attributes() {
    return {{{-1}, "erfcx: the number of integrals is -1, not from 0 to 30"}, {{31}, "the number of integrals is 31"}};
  }
  static auto value(const auto& x, const Attrs& at) { return erfcx(x, at.integrals); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& at) {
    return g * erfcx(x, at.integrals + 1) * constant<decltype(x)>(-2 * (at.integrals + 1));
  }
};

struct BesselI {
  static constexpr OpInfo info{.name = "bessel_i",
                               .formula = "y = Iₙ(x)",
                               .doc = "The modified Bessel function of the first kind, of a whole order.",
                               .inputs = {"x"},
                               .flops = 300};
  struct Attrs {
    int order = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"order", &Attrs::order, "n"}}; }
  };
  static void check(const Attrs& at) { require_order(info.name, "order", at.order); }
  static std::vector<BadAttributesOf<BesselI>> bad_attributes() {
    return {{{-1}, "bessel_i: the order is -1, not from 0 to 30"}, {{31}, "the order is 31"}};
  }
  static auto value(const auto& x, const Attrs& at) { return bessel_i(at.order, x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& at) {
    const int below = at.order == 0 ? 1 : at.order - 1;  // I_-1 is I_1
    return g * (bessel_i(below, x) / 2 + bessel_i(at.order + 1, x) / 2);
  }
};

struct BesselIe {
  static constexpr OpInfo info{.name = "bessel_ie",
                               .formula = "y = exp(-|x|) Iₙ(x)",
                               .doc =
                                   "Scaled so that it does not overflow, for n 0 or 1; or a derivative of it. "
                                   "At 0 a derivative is the mean of both sides.",
                               .inputs = {"x"},
                               .flops = 300,
                               .domain = {{0.2, 4}}};
  struct Attrs {
    int index = 0, derivative = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"index", &Attrs::index, "n"}, Field{"derivative", &Attrs::derivative, "its order"}};
    }
  };
  static void check(const Attrs& at) {
    if (at.index != 0 && at.index != 1)
      throw ValueError("bessel_ie: the index is " + std::to_string(at.index) + ", not 0 or 1");
    require_order(info.name, "derivative", at.derivative);
  }
  static std::vector<BadAttributesOf<BesselIe>> bad_attributes() {
    return {{{2, 0}, "bessel_ie: the index is 2, not 0 or 1"},
            {{-1, 0}, "the index is -1"},
            {{0, -1}, "bessel_ie: the derivative is -1, not from 0 to 30"},
            {{1, 31}, "the derivative is 31"}};
  }
  static auto value(const auto& x, const Attrs& at) { return bessel_ie(at.index, at.derivative, x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& at) {
    return g * bessel_ie(at.index, at.derivative + 1, x);
  }
};

using SpecialFamilyOps = OpList<Sinc, Erfcx, BesselI, BesselIe>;

}  // namespace ops

using ops::SpecialFamilyOps;

Tensor sinc(const Tensor& x, int derivative) {
  return SpecialFamilyOps::apply<ops::Sinc>(ops::Sinc::Attrs{derivative}, x);
}
Tensor erfcx(const Tensor& x, int integrals) {
  return SpecialFamilyOps::apply<ops::Erfcx>(ops::Erfcx::Attrs{integrals}, x);
}
Tensor bessel_i(int order, const Tensor& x) {
  return SpecialFamilyOps::apply<ops::BesselI>(ops::BesselI::Attrs{order}, x);
}
Tensor bessel_ie(int index, int derivative, const Tensor& x) {
  return SpecialFamilyOps::apply<ops::BesselIe>(ops::BesselIe::Attrs{index, derivative}, x);
}

std::span<const OpEntry> special_family_ops() { return SpecialFamilyOps::entries; }

}  // namespace tapegrad
