#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/op_list.hpp>

namespace tapegrad {
namespace ops {

using namespace formula;

struct Exp {
  static constexpr OpInfo info{
      .name = "exp", .formula = "y = eˣ", .inputs = {"x"}, .flops = 4, .saves = kSavesOutput, .unbounded = true};
  static auto value(const auto& x) { return exp(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g * y; }
};

struct Expm1 {
  static constexpr OpInfo info{
      .name = "expm1", .formula = "y = eˣ - 1", .inputs = {"x"}, .flops = 6, .saves = kSavesOutput, .unbounded = true};
  static auto value(const auto& x) { return expm1(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g * (y + 1); }
};

struct Log {
  static constexpr OpInfo info{.name = "log",
                               .formula = "y = ln x",
                               .doc = "NaN below 0; gradient +inf at 0.",
                               .inputs = {"x"},
                               .flops = 8,
                               .domain = {{0.2, 3}},
                               .unbounded = true};
  static auto value(const auto& x) { return log(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g / x; }
};

struct Log1p {
  static constexpr OpInfo info{.name = "log1p",
                               .formula = "y = ln(1 + x)",
                               .inputs = {"x"},
                               .flops = 8,
                               .domain = {{-0.7, 3}},
                               .unbounded = true};
  static auto value(const auto& x) { return log1p(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g / (x + 1); }
};

struct Sin {
  static constexpr OpInfo info{.name = "sin", .formula = "y = sin x", .inputs = {"x"}, .flops = 6, .domain = {{-4, 4}}};
  static auto value(const auto& x) { return sin(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * cos(x); }
};

struct Cos {
  static constexpr OpInfo info{.name = "cos", .formula = "y = cos x", .inputs = {"x"}, .flops = 6, .domain = {{-4, 4}}};
  static auto value(const auto& x) { return cos(x); }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return -g * sin(x); }
};

struct Tanh {
  static constexpr OpInfo info{
      .name = "tanh", .formula = "y = tanh x", .inputs = {"x"}, .flops = 5, .saves = kSavesOutput, .domain = {{-3, 3}}};
  static auto value(const auto& x) { return tanh(x); }
  static auto vjp(wrt<0>, const auto& g, const auto&, const auto& y) { return g * (1 - y * y); }
};

using ElementaryOps = OpList<Exp, Expm1, Log, Log1p, Sin, Cos, Tanh>;

}  // namespace ops

using ops::ElementaryOps;

Tensor exp(const Tensor& x) { return ElementaryOps::apply<ops::Exp>(x); }
Tensor expm1(const Tensor& x) { return ElementaryOps::apply<ops::Expm1>(x); }
Tensor log(const Tensor& x) { return ElementaryOps::apply<ops::Log>(x); }
Tensor log1p(const Tensor& x) { return ElementaryOps::apply<ops::Log1p>(x); }
Tensor sin(const Tensor& x) { return ElementaryOps::apply<ops::Sin>(x); }
Tensor cos(const Tensor& x) { return ElementaryOps::apply<ops::Cos>(x); }
Tensor tanh(const Tensor& x) { return ElementaryOps::apply<ops::Tanh>(x); }

std::span<const OpEntry> elementary_ops() { return ElementaryOps::entries; }

}  // namespace tapegrad
