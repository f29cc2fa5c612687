// Modules computed with other weights than their own, and members that no model knows of.

#include <gmock/gmock.h>

#include <tapegrad/tapegrad.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Net : nn::Module {
  nn::Linear a{*this, "a", 2, 3}, b{*this, "b", 3, 1};
  Tensor forward(const Tensor& x) const { return b(tanh(a(x))); }
};

TEST(FunctionalCall, ComputesWithTheWeightsGivenAndLeavesItsOwn) {
  Net net;
  const std::vector<Tensor> own = net.parameters();
  std::vector<Tensor> twice;
  for (const Tensor& p : own) twice.push_back(parameter(p.detach() * 2));
  const Tensor x = tensor({{1, -1}});
  const Tensor before = net.forward(x), y = nn::functional_call(net, twice, x);
  EXPECT_NE(y.item(), before.item());
  EXPECT_EQ(net.forward(x).item(), before.item());
  for (std::size_t i = 0; i < own.size(); ++i) EXPECT_TRUE(net.parameters()[i].same_as(own[i]));
  y.backward();
  for (const Tensor& p : own) EXPECT_FALSE(p.grad().defined());
  for (const Tensor& w : twice) EXPECT_TRUE(w.grad().defined());
  Net other;
  for (std::size_t i = 0; i < own.size(); ++i) other.parameters()[i].copy_from(twice[i].detach());
  EXPECT_EQ(other.forward(x).item(), y.item());
}

TEST(FunctionalCall, TakesSomeByNameAndDifferentiatesThroughThem) {
  Net net;
  const Tensor scale = parameter(tensor({0.5})), x = tensor({{1, 2}});
  const Tensor y = nn::functional_call(net, NamedTensors{{"b.weight", Tensor(net.b.weight) * scale}}, x);
  const Tensor expected = sum(matmul(tanh(net.a(x)), transpose(net.b.weight)));
  EXPECT_NEAR(grad(y, scale).item(), expected.item(), 1e-6);
}

TEST(FunctionalCall, MakesAModelAFunctionOfItsWeights) {
  nn::Linear line(1, 1);
  const Tensor x = tensor({{2}}), y = tensor({{3}});
  const auto loss_of = [&](std::span<const Tensor> w) {
    return nn::mse_loss(nn::functional_call(line, std::vector<Tensor>(w.begin(), w.end()), x), y);
  };
  const auto h = hessian(loss_of, line.parameters());
  EXPECT_THAT(h[0][0].values(), ElementsAre(8));
  EXPECT_THAT(h[0][1].values(), ElementsAre(4));
  EXPECT_THAT(h[1][1].values(), ElementsAre(2));
}

TEST(FunctionalCall, RefusesWhatDoesNotFitAndReplacesNothing) {
  Net net;
  const Tensor x = ones({1, 2});
  const auto with = [&](NamedTensors weights) { return message_of([&] { nn::functional_call(net, weights, x); }); };
  EXPECT_THAT(with({{"c.weight", x}}), HasSubstr("'c.weight'"));
  EXPECT_THAT(with({{"a.bias", ones({3})}, {"a.bias", ones({3})}}), HasSubstr("given twice"));
  EXPECT_THAT(with({{"a.bias", ones({3})}, {"a.weight", ones({2})}}),
              AllOf(HasSubstr("'a.weight'"), HasSubstr("[3, 2]")));
  EXPECT_THAT(with({{"a.bias", ones({3}, f64)}}), HasSubstr("dtypes"));
  EXPECT_THAT(with({{"a.bias", {}}}), HasSubstr("undefined"));
  EXPECT_THAT(message_of<ValueError>([&] { nn::functional_call(net, std::vector<Tensor>{x}, x); }),
              HasSubstr("which has 4 parameters"));
}

// When checkpoint() computes it again, the module has its own weights back.
TEST(FunctionalCall, ACheckpointThatFindsOtherWeightsTheSecondTimeSaysSo) {
  nn::Linear line(2, 2);
  std::vector<Tensor> given;
  for (const Tensor& p : line.parameters()) given.push_back(parameter(p.detach()));
  const Tensor x = parameter(ones({1, 2}));
  struct Outer : nn::Module {
    nn::Linear inner{*this, "inner", 2, 2};
    Tensor forward(const Tensor& t) {
      return checkpoint([this](const Tensor& u) { return inner(u); }, t);
    }
  } outer;
  const Tensor y = sum(nn::functional_call(outer, given, x));
  EXPECT_THAT(message_of<ValueError>([&] { y.backward(); }), HasSubstr("when it is computed again"));
}

}  // namespace
}  // namespace tapegrad
