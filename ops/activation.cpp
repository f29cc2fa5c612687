#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/op_list.hpp>

namespace tapegrad {
namespace ops {

using namespace formula;

struct Sigmoid {
  static constexpr OpInfo info{.name = "sigmoid",
                               .formula = "y = 1 / (1 + e⁻ˣ)",
                               .doc = "Logistic function.",
                               .inputs = {"x"},
                               .flops = 5,
                               .saves = kSavesOutput,
                               .domain = {{-6, 6}}};
  static auto value(const auto& x) { return logistic(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g * y * (1 - y); }
};

struct Relu {
  static constexpr OpInfo info{.name = "relu",
                               .formula = "y = max(x, 0)",
                               .doc = "Gradient 0 at 0; NaN stays NaN.",
                               .inputs = {"x"},
                               .saves = kSavesOutput};
  static auto value(const auto& x) { return where(x < 0, 0, x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return where(y == 0, 0, g); }
};

struct LeakyRelu {
  static constexpr OpInfo info{.name = "leaky_relu", .formula = "y = x where x > 0, else slope x", .inputs = {"x"}};
  struct Attrs {
    double slope = 0.01;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"slope", &Attrs::slope, "of the negative side"}}; }
  };
  static auto value(const auto& x, const Attrs& a) { return where(x > 0, x, x * constant<decltype(x)>(a.slope)); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&, const Attrs& a) {
    return where(x > 0, g, g * constant<decltype(x)>(a.slope));
  }
};

struct Softplus {
  static constexpr OpInfo info{
      .name = "softplus", .formula = "y = ln(1 + eˣ)", .inputs = {"x"}, .flops = 14, .domain = {{-6, 6}}};
  static auto value(const auto& x) { return maximum(x, x * 0) + log1p(exp(-abs(x))); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * logistic(x); }
};

using ActivationOps = OpList<Sigmoid, Relu, LeakyRelu, Softplus>;

}  // namespace ops

using ops::ActivationOps;

Tensor sigmoid(const Tensor& x) { return ActivationOps::apply<ops::Sigmoid>(x); }
Tensor relu(const Tensor& x) { return ActivationOps::apply<ops::Relu>(x); }
Tensor leaky_relu(const Tensor& x, double slope) {
  return ActivationOps::apply<ops::LeakyRelu>(ops::LeakyRelu::Attrs{.slope = slope}, x);
}
Tensor softplus(const Tensor& x) { return ActivationOps::apply<ops::Softplus>(x); }

std::span<const OpEntry> activation_ops() { return ActivationOps::entries; }

}  // namespace tapegrad
