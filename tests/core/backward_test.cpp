#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <tapegrad/core/record.hpp>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Tensor leaf(std::initializer_list<double> values) { return parameter(tensor(values, f64)); }

TEST(Backward, AccumulatesOnLeaves) {
  const Tensor x = leaf({2, 3});
  sum(x * x).backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(4, 6));
  sum(x * 10).backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(14, 16));
  const_cast<Tensor&>(x).clear_grad();
  EXPECT_FALSE(x.grad().defined());
}

TEST(Backward, GivesEachLeafABufferOfItsOwn) {
  const Tensor x = leaf({1, 2}), y = leaf({3, 4});
  (x + y).backward(tensor({5, 6}, f64));
  x.grad().fill(0);
  EXPECT_THAT(y.grad().values(), ElementsAre(5, 6));
  const Tensor seed = tensor({1, 1}, f64), z = leaf({1, 2});
  z.backward(seed);
  z.backward(seed);
  EXPECT_THAT(seed.values(), ElementsAre(1, 1)) << "the caller's cotangent is not added into";
}

TEST(Backward, OfALeafIsTheCotangent) {
  const Tensor x = leaf({7});
  x.backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(1));
}

TEST(Backward, RefusesASecondPassOverAReleasedGraph) {
  const Scope scope("encoder");
  const Tensor x = leaf({1, 2});
  const Tensor y = sum(exp(x));
  y.backward();
  EXPECT_THAT([&] { y.backward(); }, ThrowsMessage<GraphError>(AllOf(HasSubstr("exp of f64 [2] in scope encoder"),
                                                                     HasSubstr("retain_graph"))));
  EXPECT_DOUBLE_EQ(x.grad().values()[0], std::exp(1.0)) << "nothing was added by the refused pass";
}

TEST(Backward, RepeatsItsBitsWhenRetained) {
  const Tensor x = leaf({0.1, 0.7});
  const Tensor y = sum(tanh(exp(x)) / x);
  y.backward({.retain_graph = true});
  const auto first = x.grad().values();
  const_cast<Tensor&>(x).clear_grad();
  y.backward();
  EXPECT_EQ(x.grad().values(), first);
}

TEST(Backward, SaysWhatIsMissing) {
  EXPECT_THAT([] { ones({1}).backward(); }, ThrowsMessage<GraphError>(HasSubstr("does not require a gradient")));
  const Tensor x = leaf({1, 2});
  EXPECT_THAT([&] { (x * 2).backward(); }, ThrowsMessage<ShapeError>(HasSubstr("reduce it with sum() or mean()")));
  EXPECT_THAT([&] { (x * 2).backward(ones({3}, f64)); }, ThrowsMessage<ShapeError>(HasSubstr("cotangent's shape [3]")));
  EXPECT_THAT([&] { (x * 2).backward(ones({2})); }, ThrowsMessage<DTypeError>(HasSubstr("cotangent is f32")));
  EXPECT_THROW(x.detach().register_hook([](const Tensor&) { return Tensor(); }), GraphError);
}

TEST(Backward, KeepsTheGradientOfComputedTensorsOnRequest) {
  const Tensor x = leaf({3});
  Tensor y = x * 2;
  y.retain_grad();
  sum(y * y).backward();
  EXPECT_THAT(y.grad().values(), ElementsAre(12));
  EXPECT_THAT(x.grad().values(), ElementsAre(24));
}

TEST(Backward, CountsASharedTensorOnceForEachUse) {
  const Tensor x = leaf({3});
  const Tensor y = x * 2;
  sum(y * y + y - y).backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(24));
}

TEST(Backward, OfADiamondOfSixtySquaringsTakesSixtySteps) {
  const Tensor x = leaf({1});
  int passes = 0;
  Tensor y = x;
  for (int i = 0; i < 60; ++i) {
    y = y * y;
    y.register_hook([&](const Tensor&) { return ++passes, Tensor(); });
  }
  y.backward();
  EXPECT_EQ(passes, 60);
  EXPECT_EQ(x.grad().item(), std::ldexp(1.0, 60));
}

// Sums of many 0.1f in f32, added in a row, are off by 1e-4 and more.
TEST(Backward, AddsManyContributionsToATensorWithinTheBoundOnSums) {
  constexpr int kUses = 200'000;
  const double whole = kUses * static_cast<double>(0.1f);
  for (const bool create_graph : {false, true}) {
    const Tensor x = parameter(ones({1}));
    Tensor y = x * 0.1;
    for (int i = 1; i < kUses; ++i) y = y + x * 0.1;
    y.backward({.create_graph = create_graph});
    EXPECT_NEAR(x.grad().item(), whole, 1e-6 * whole) << create_graph;
  }
}

TEST(Backward, AddsManyPassesWithinTheBoundOnSums) {
  constexpr int kPasses = 200'000;
  const double whole = kPasses * static_cast<double>(0.1f);
  const Tensor x = parameter(ones({1})), y = x * 0.1;
  for (int i = 0; i < kPasses; ++i) y.backward({.retain_graph = true});
  EXPECT_NEAR(x.grad().item(), whole, 1e-6 * whole);
}

TEST(Grad, LeavesTheLeavesAlone) {
  const Tensor x = leaf({2, 3});
  const Tensor y = x * x;
  const Tensor g = grad(sum(y), x);
  EXPECT_THAT(g.values(), ElementsAre(4, 6));
  EXPECT_FALSE(x.grad().defined());
  EXPECT_FALSE(g.requires_grad());
}

TEST(Grad, IsUndefinedWithoutAPath) {
  const Tensor x = leaf({2}), unused = leaf({1, 2});
  const Tensor outputs[] = {x * x}, inputs[] = {unused, x};
  const auto g = grad(outputs, inputs);
  EXPECT_FALSE(g[0].defined());
  EXPECT_EQ(g[1].item(), 4);
  EXPECT_THAT(grad(x * x, unused).values(), ElementsAre(0, 0)) << "the short form gives zeros";
}

TEST(Grad, ReachesComputedTensorsAndStopsThere) {
  const Tensor x = leaf({2});
  const Tensor middle = x * 3;
  int below = 0;
  const_cast<Tensor&>(x).register_hook([&](const Tensor&) { return ++below, Tensor(); });
  EXPECT_EQ(grad(middle * middle, middle).item(), 12);
  EXPECT_EQ(below, 0);
}

TEST(Grad, WeightsSeveralOutputs) {
  const Tensor x = leaf({2, 3});
  const Tensor outputs[] = {x * x, x + 1, x}, inputs[] = {x};
  const Tensor weights[] = {tensor({1, 10}, f64), Tensor(), tensor({100, 100}, f64)};
  EXPECT_THAT(grad(outputs, inputs, weights)[0].values(), ElementsAre(4 + 1 + 100, 60 + 1 + 100));
  EXPECT_THROW(grad(outputs, inputs, std::span(weights, 2)), ValueError);
  const Tensor constants[] = {ones({2}, f64)};
  EXPECT_THROW(grad(outputs, constants, weights), GraphError);
}

TEST(Grad, OfGradToTheFourthOrder) {
  const Tensor x = leaf({1.5});
  Tensor d = x * x * x * x;
  for (const double wanted : {4 * 1.5 * 1.5 * 1.5, 12 * 1.5 * 1.5, 24 * 1.5, 24.0}) {
    d = grad(d, x, {.create_graph = true});
    EXPECT_DOUBLE_EQ(d.item(), wanted);
  }
}

TEST(Grad, TakesTheSameInputTwice) {
  const Tensor x = leaf({3});
  const Tensor outputs[] = {x * x}, inputs[] = {x, x};
  const auto g = grad(outputs, inputs);
  EXPECT_EQ(g[0].item(), 6);
  EXPECT_EQ(g[1].item(), 6);
}

TEST(Detach, CutsTheRecordAndSharesTheValue) {
  Tensor x = leaf({2});
  sum(x * x.detach()).backward();
  EXPECT_EQ(x.grad().item(), 2);
  Tensor d = x.detach();
  d.fill(5);
  EXPECT_EQ(x.item(), 5);
  EXPECT_FALSE(d.requires_grad());
  EXPECT_TRUE(d.is_leaf());
}

TEST(GradModes, NestAndComeBack) {
  const Tensor x = leaf({2});
  {
    const NoGrad off;
    EXPECT_FALSE((x * 2).requires_grad());
    {
      const GradMode on(true);
      EXPECT_TRUE((x * 2).requires_grad());
    }
    EXPECT_FALSE(grad_enabled());
  }
  EXPECT_TRUE(grad_enabled());
  try {
    const NoGrad off;
    throw 1;
  } catch (int) {
  }
  EXPECT_TRUE(grad_enabled());
}

TEST(Hooks, SeeReplaceAndCanBeRemoved) {
  Tensor x = leaf({2, 3});
  Tensor y = x * 10;
  std::vector<double> seen;
  y.register_hook([&](const Tensor& g) { return seen = g.values(), Tensor(); });
  const auto doubling = y.register_hook([](const Tensor& g) { return g * 2; });
  const auto never = y.register_hook([](const Tensor& g) { return g * 1000; });
  y.remove_hook(never);
  sum(y).backward({.retain_graph = true});
  EXPECT_THAT(seen, ElementsAre(1, 1));
  EXPECT_THAT(x.grad().values(), ElementsAre(20, 20));
  y.remove_hook(doubling);
  x.clear_grad();
  sum(y).backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(10, 10));
}

TEST(Hooks, SeeTheWholeGradientOnce) {
  Tensor x = leaf({1});
  int calls = 0;
  x.register_hook([&](const Tensor& g) {
    ++calls;
    EXPECT_EQ(g.item(), 6);
    return Tensor();
  });
  sum(x * 2 + x * 3 + x).backward();
  EXPECT_EQ(calls, 1);
}

TEST(Hooks, MayRunBackwardOnOtherGraphs) {
  const Tensor x = leaf({2}), w = leaf({5});
  Tensor y = x * 3;
  y.register_hook([&](const Tensor&) {
    const GradMode on(true);
    sum(w * w).backward();
    return Tensor();
  });
  y.backward();
  EXPECT_EQ(x.grad().item(), 3);
  EXPECT_EQ(w.grad().item(), 10);
}

TEST(Hooks, MayNotRunBackwardOnTheGraphThatRuns) {
  const Tensor x = leaf({2});
  Tensor y = x * 3;
  y.register_hook([&](const Tensor&) { return y.backward(), Tensor(); });
  EXPECT_THAT([&] { y.backward(); }, ThrowsMessage<GraphError>(HasSubstr("another backward pass")));
}

TEST(Hooks, ThatThrowLeaveTheGraphUsable) {
  const Tensor x = leaf({2});
  Tensor y = exp(x) * 3;
  bool armed = true;
  y.register_hook([&](const Tensor&) -> Tensor {
    if (armed) throw std::runtime_error("hook failed");
    return {};
  });
  const Tensor z = sum(y);
  EXPECT_THAT([&] { z.backward({.retain_graph = true}); }, ThrowsMessage<std::runtime_error>("hook failed"));
  EXPECT_FALSE(x.grad().defined());
  EXPECT_TRUE(grad_enabled());
  armed = false;
  z.backward();
  EXPECT_DOUBLE_EQ(x.grad().item(), 3 * std::exp(2.0));
}

TEST(Hooks, ThatThrowOverAReleasedPartLeaveItCleanlyDead) {
  const auto blocks = memory::stats().live_blocks;
  {
    const Tensor x = leaf({2});
    Tensor y = x * 3;
    y.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("hook failed"); });
    const Tensor z = sum(exp(y));
    EXPECT_THROW(z.backward(), std::runtime_error);
    EXPECT_THROW(z.backward(), GraphError) << "exp has let go of its value";
    sum(y.detach() * x).backward();
    EXPECT_EQ(x.grad().item(), 6) << "the leaf is free for other graphs";
  }
  EXPECT_EQ(memory::stats().live_blocks, blocks);
}

TEST(InPlace, ChangesAreNoticedWhereAValueWasSaved) {
  const Scope scope("head");
  const Tensor x = leaf({1, 2});
  Tensor h = x + 1;
  const Tensor y = sum(h * h);
  {
    const NoGrad off;
    h.mutable_data<double>()[0] = 100;
  }
  EXPECT_THAT([&] { y.backward(); },
              ThrowsMessage<GraphError>(AllOf(HasSubstr("mul in scope head saved its input 'a', f64 [2]"),
                                              HasSubstr("changed in place"), HasSubstr("clone()"))));
}

TEST(InPlace, ChangesThroughViewsAndDetachedHandlesCount) {
  for (int how = 0; how < 4; ++how) {
    const Tensor x = leaf({1, 2, 3, 4});
    Tensor h = x + 1;
    const Tensor y = sum(exp(h * h));
    std::optional<NoGrad> off(std::in_place);
    if (how == 0) slice(h, 0, 1, 2).fill(9);
    if (how == 1) h.detach().fill(9);
    if (how == 2) reshape(h, {2, 2}).copy_from(zeros({2, 2}));
    if (how == 3) h.mutable_data<double>();
    off.reset();
    EXPECT_THROW(y.backward(), GraphError) << how;
  }
}

TEST(InPlace, ChangesOfSavedOutputsCount) {
  const Tensor x = leaf({1, 2});
  Tensor y = exp(x);
  const Tensor z = sum(y);
  {
    const NoGrad off;
    y.fill(0);
  }
  EXPECT_THAT([&] { z.backward(); }, ThrowsMessage<GraphError>(HasSubstr("the result of exp")));
}

TEST(InPlace, ChangesOfWhatNobodySavedAreFine) {
  const Tensor x = leaf({1, 2});
  Tensor h = x + 1;
  const Tensor y = sum(h + 5);
  {
    const NoGrad off;
    h.fill(0);
  }
  y.backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(1, 1));
}

TEST(Anomaly, NamesTheForwardOp) {
  const AnomalyMode on;
  const Tensor x = leaf({1, -1});
  const Scope scope("decoder");
  const int line = __LINE__ - 1;
  EXPECT_THAT([&] { log(x); },
              ThrowsMessage<AnomalyError>(AllOf(HasSubstr("forward of log gave NaN"), HasSubstr("f64 [2]"),
                                                HasSubstr("scope decoder, opened at"),
                                                HasSubstr("backward_test.cpp:" + std::to_string(line)))));
  EXPECT_THAT([&] { tensor({1.0}) / 0; }, ThrowsMessage<AnomalyError>(HasSubstr("forward of div gave an infinity")));
}

// The scope that a gradient records in has no place in the source.
TEST(Anomaly, NamesTheGradientThatRecorded) {
  const Tensor x = leaf({0, 1});
  const Tensor y = sum(sqrt(x));
  const AnomalyMode on;
  EXPECT_THAT([&] { grad(y, x, {.create_graph = true}); },
              ThrowsMessage<AnomalyError>(AllOf(HasSubstr("scope gradient"), ::testing::Not(HasSubstr("opened at")))));
}

TEST(Anomaly, NamesTheBackwardOp) {
  Tensor x = leaf({0, 1});
  x.set_name("weights");
  Tensor y;
  {
    const Scope scope("norm");
    y = sum(sqrt(x));
  }
  const AnomalyMode on;
  EXPECT_THAT([&] { y.backward(); },
              ThrowsMessage<AnomalyError>(AllOf(HasSubstr("backward of sqrt gave an infinity"),
                                                HasSubstr("f64 [2] 'weights'"), HasSubstr("scope norm"))));
  EXPECT_FALSE(x.grad().defined());
}

TEST(Anomaly, IsOffByDefaultAndAfterwards) {
  {
    const AnomalyMode on;
    EXPECT_TRUE(AnomalyMode::enabled());
    const AnomalyMode off(false);
    EXPECT_FALSE(AnomalyMode::enabled());
  }
  EXPECT_FALSE(AnomalyMode::enabled());
  EXPECT_TRUE(std::isnan(log(tensor({-1.0})).item()));
}

TEST(Scopes, NameWhatIsRecordedInThem) {
  const Tensor x = leaf({1});
  Tensor inner, outer;
  {
    const Scope a("encoder");
    {
      const Scope b("attn");
      inner = x * 2;
    }
    outer = x * 3;
  }
  EXPECT_EQ(engine::node_of(inner).scope->path, "encoder.attn");
  EXPECT_EQ(engine::node_of(inner).scope->name, "attn");
  EXPECT_EQ(engine::node_of(inner).scope->parent, engine::node_of(outer).scope);
  EXPECT_EQ(engine::node_of(x * 2).scope, nullptr);
  EXPECT_GT(engine::node_of(outer).sequence, engine::node_of(inner).sequence);
  const Scope again("encoder");
  EXPECT_EQ(Scope::current(), engine::node_of(outer).scope) << "the same path is the same object";
}

}  // namespace
}  // namespace tapegrad
