#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

using namespace formula;

struct Equal {
  static constexpr OpInfo info{.name = "equal",
                               .formula = "y = a == b",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false};
  static auto value(const auto& a, const auto& b) { return a == b; }
};
struct NotEqual {
  static constexpr OpInfo info{.name = "not_equal",
                               .formula = "y = a != b",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false};
  static auto value(const auto& a, const auto& b) { return a != b; }
};
struct Less {
  static constexpr OpInfo info{.name = "less",
                               .formula = "y = a < b",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false};
  static auto value(const auto& a, const auto& b) { return a < b; }
};
struct LessEqual {
  static constexpr OpInfo info{.name = "less_equal",
                               .formula = "y = a <= b",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false};
  static auto value(const auto& a, const auto& b) { return a <= b; }
};
struct Greater {
  static constexpr OpInfo info{.name = "greater",
                               .formula = "y = a > b",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false};
  static auto value(const auto& a, const auto& b) { return a > b; }
};
struct GreaterEqual {
  static constexpr OpInfo info{.name = "greater_equal",
                               .formula = "y = a >= b",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false};
  static auto value(const auto& a, const auto& b) { return a >= b; }
};
struct IsNan {
  static constexpr OpInfo info{.name = "isnan",
                               .formula = "y = x is NaN",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false};
  static auto value(const auto& x) { return x != x; }
};
struct IsInf {
  static constexpr OpInfo info{.name = "isinf",
                               .formula = "y = x is +inf or -inf",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false};
  static auto value(const auto& x) { return isinf(x); }
};
struct IsFinite {
  static constexpr OpInfo info{.name = "isfinite",
                               .formula = "y = x is neither NaN nor infinite",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false};
  static auto value(const auto& x) { return x - x == 0; }
};

struct LogicalAnd {
  static constexpr OpInfo info{.name = "logical_and",
                               .formula = "y = a and b",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false,
                               .masks = {0, 1}};
  static auto value(const auto& a, const auto& b) { return a && b; }
};
struct LogicalOr {
  static constexpr OpInfo info{.name = "logical_or",
                               .formula = "y = a or b",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false,
                               .masks = {0, 1}};
  static auto value(const auto& a, const auto& b) { return a || b; }
};
struct LogicalXor {
  static constexpr OpInfo info{.name = "logical_xor",
                               .formula = "y = a or b, not both",
                               .inputs = {"a", "b"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false,
                               .masks = {0, 1}};
  static auto value(const auto& a, const auto& b) { return a != b; }
};
struct LogicalNot {
  static constexpr OpInfo info{.name = "logical_not",
                               .formula = "y = not a",
                               .inputs = {"a"},
                               .saves = kSavesNothing,
                               .kind = Kind::predicate,
                               .differentiable = false,
                               .masks = {0}};
  static auto value(const auto& a) { return !a; }
};

struct Where {
  static constexpr OpInfo info{
      .name = "where",
      .formula = "y = a where condition, else b",
      .doc = "The branch not taken gets gradient 0, even where its own slope is NaN or infinite.",
      .inputs = {"condition", "a", "b"},
      .saves = {.inputs = {0}},
      .kind = Kind::numeric,
      .masks = {0}};
  static auto value(const auto& c, const auto& a, const auto& b) { return where(c, a, b); }
  static auto vjp(wrt<1>, const auto& g, const auto& c, const auto&, const auto&, const auto&) {
    return where(c, g, 0);
  }
  static auto vjp(wrt<2>, const auto& g, const auto& c, const auto&, const auto&, const auto&) {
    return where(c, 0, g);
  }
};

using ComparisonOps = OpList<Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, IsNan, IsInf, IsFinite,
                             LogicalAnd, LogicalOr, LogicalXor, LogicalNot, Where>;

}  // namespace ops

using ops::ComparisonOps;

Tensor equal(const Operand& a, const Operand& b) { return ComparisonOps::apply<ops::Equal>(a, b); }
Tensor not_equal(const Operand& a, const Operand& b) { return ComparisonOps::apply<ops::NotEqual>(a, b); }
Tensor less(const Operand& a, const Operand& b) { return ComparisonOps::apply<ops::Less>(a, b); }
Tensor less_equal(const Operand& a, const Operand& b) { return ComparisonOps::apply<ops::LessEqual>(a, b); }
Tensor greater(const Operand& a, const Operand& b) { return ComparisonOps::apply<ops::Greater>(a, b); }
Tensor greater_equal(const Operand& a, const Operand& b) { return ComparisonOps::apply<ops::GreaterEqual>(a, b); }
Tensor isnan(const Tensor& x) { return ComparisonOps::apply<ops::IsNan>(x); }
Tensor isinf(const Tensor& x) { return ComparisonOps::apply<ops::IsInf>(x); }
Tensor isfinite(const Tensor& x) { return ComparisonOps::apply<ops::IsFinite>(x); }
Tensor logical_and(const Operand& a, const Operand& b) { return ComparisonOps::apply<ops::LogicalAnd>(a, b); }
Tensor logical_or(const Operand& a, const Operand& b) { return ComparisonOps::apply<ops::LogicalOr>(a, b); }
Tensor logical_xor(const Operand& a, const Operand& b) { return ComparisonOps::apply<ops::LogicalXor>(a, b); }
Tensor logical_not(const Tensor& a) { return ComparisonOps::apply<ops::LogicalNot>(a); }
Tensor where(const Tensor& condition, const Operand& a, const Operand& b) {
  return ComparisonOps::apply<ops::Where>(condition, a, b);
}
Tensor where(bool condition, const Operand& a, const Operand& b) {
  return where(scalar(condition ? 1 : 0, boolean), a, b);
}

Tensor isclose(const Tensor& a, const Tensor& b, const Closeness& closeness) {
  require_not_negative("isclose", "relative", closeness.relative);
  require_not_negative("isclose", "absolute", closeness.absolute);
  const NoGrad unrecorded;
  const Tensor x = cast(a, f64), y = cast(b, f64);
  const Tensor near = isfinite(y) && abs(x - y) <= closeness.absolute + closeness.relative * abs(y);
  const Tensor close = a == b || near;
  return closeness.equal_nan ? close || (isnan(a) && isnan(b)) : close;
}
bool allclose(const Tensor& a, const Tensor& b, const Closeness& closeness) {
  return all(isclose(a, b, closeness)).item() != 0;
}

std::span<const OpEntry> comparison_ops() { return ComparisonOps::entries; }

}  // namespace tapegrad
