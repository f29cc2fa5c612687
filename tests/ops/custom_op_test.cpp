// What an operation of a user's own can do wrongly is said where it enters, with the op's name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

enum class Fault { none, rule_shape, rule_dtype, rule_undefined, forward_shape, forward_dtype, forward_undefined };

struct Copy {
  struct In {
    Tensor x;
  };
  struct Out {
    Tensor y;
  };
  static constexpr OpInfo info{.name = "copy_of_mine", .formula = "y = x"};
  struct Attrs {
    int fault = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"fault", &Attrs::fault, "what it does wrongly"}}; }
  };
  static Out shapes(const Attrs&, const In& in) { return {op::spec(in.x.shape(), in.x.dtype())}; }
  static void forward(const Attrs& a, const In& in, Out& out) {
    out.y.copy_from(in.x);
    if (a.fault == static_cast<int>(Fault::forward_shape)) out.y = zeros({7}, in.x.dtype());
    if (a.fault == static_cast<int>(Fault::forward_dtype)) out.y = zeros(in.x.shape(), i32);
    if (a.fault == static_cast<int>(Fault::forward_undefined)) out.y = Tensor();
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) {
    if (a.fault == static_cast<int>(Fault::rule_shape)) return {zeros({2}, g.y.dtype())};
    if (a.fault == static_cast<int>(Fault::rule_dtype)) return {cast(g.y, g.y.dtype() == f32 ? f64 : f32)};
    if (a.fault == static_cast<int>(Fault::rule_undefined)) return {};
    return {g.y};
  }
  static std::vector<SampleOf<Copy>> samples(Rng& rng) { return {{{randn({4}, f64, rng)}, {}}}; }
  static std::vector<BadInputOf<Copy>> bad_inputs() { return {}; }
};

Tensor copy(const Tensor& x, Fault fault) { return apply<Copy>({static_cast<int>(fault)}, {x}).y; }

TEST(CustomOp, IsRefusedWhereItsRuleGivesAnotherShapeOrDtype) {
  const Tensor x = parameter(zeros({4}, f64), "x");
  EXPECT_THAT(message_of<ShapeError>([&] { sum(copy(x, Fault::rule_shape)).backward(); }),
              AllOf(HasSubstr("the gradient rule of copy_of_mine gave f64 [2]"), HasSubstr("of f64 [4] 'x'")));
  EXPECT_THAT(message_of<DTypeError>([&] { sum(copy(x, Fault::rule_dtype)).backward(); }),
              HasSubstr("copy_of_mine gave f32 [4]"));
  EXPECT_FALSE(x.grad().defined());
  sum(copy(x, Fault::rule_undefined)).backward();
  EXPECT_FALSE(x.grad().defined()) << "undefined means zero";
  sum(copy(x, Fault::none)).backward();
  EXPECT_EQ(x.grad().values()[3], 1);
}

TEST(CustomOp, IsRefusedWhereItsForwardGivesAnotherTensor) {
  const Tensor x = zeros({4}, f64);
  EXPECT_THAT(message_of<ValueError>([&] { copy(x, Fault::forward_shape); }),
              HasSubstr("copy_of_mine: it declared a result of f64 [4], and forward() gave f64 [7]"));
  EXPECT_THAT(message_of<ValueError>([&] { copy(x, Fault::forward_dtype); }), HasSubstr("forward() gave i32 [4]"));
  EXPECT_THAT(message_of<ValueError>([&] { copy(x, Fault::forward_undefined); }),
              HasSubstr("gave an undefined tensor"));
}

}  // namespace
}  // namespace tapegrad
