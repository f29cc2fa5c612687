#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/eigen.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/optimizer.hpp>

#include "../message_of.hpp"

namespace mine {

// A rule of a user's own: the sign of the gradient.
struct SignSgd {
  double lr = 0.1;
};

struct SignFormula : SignSgd {
  static constexpr std::string_view name = "sign";
  static constexpr std::array<std::string_view, 0> slots{};
  template <class T>
  auto bind(const tapegrad::optim::StepInfo& info) const {
    return [rate = T(lr * info.rate_factor)](T* p, const T* g, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i) p[i] -= g[i] > 0 ? rate : g[i] < 0 ? -rate : T(0);
    };
  }
};

std::shared_ptr<const tapegrad::optim::Rule> make_rule(const SignSgd& rule) {
  return std::make_shared<tapegrad::optim::ElementwiseRule<SignFormula>>(SignFormula{rule});
}

}  // namespace mine

namespace tapegrad::optim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Optimizer, FitsALine) {
  Rng rng(1);
  nn::Linear line(1, 1, {.dtype = f64, .rng = &rng});
  Optimizer optimizer(line, Adam{.lr = 0.1});
  const Tensor x = randn({64, 1}, f64, rng), y = 3 * x - 2;
  for (int i = 0; i < 500; ++i) {
    mean(square(line(x) - y)).backward();
    optimizer.step();
    optimizer.zero_grad();
  }
  EXPECT_NEAR(line.weight.item(), 3, 1e-6);
  EXPECT_NEAR(line.bias.item(), -2, 1e-6);
}

TEST(Optimizer, HasGroupsWithRulesOfTheirOwn) {
  Tensor a = parameter(zeros({1}), "a"), b = parameter(zeros({1}), "b");
  Optimizer optimizer(NamedTensors{{"a", a}}, Sgd{.lr = 1});
  optimizer.add({{"b", b}}, mine::SignSgd{.lr = 0.25});
  a.set_grad(full({1}, 3));
  b.set_grad(full({1}, -3));
  optimizer.set_rate_factor(0.5);
  EXPECT_EQ(optimizer.lr(1), 0.125);
  optimizer.step();
  EXPECT_EQ(a.item(), -1.5);
  EXPECT_EQ(b.item(), 0.125);
  EXPECT_THROW(optimizer.add({{"b", b}}, Sgd{}), ValueError);
  EXPECT_THROW(optimizer.add({{"c", ones({1}, i64)}}, Sgd{}), ValueError);
}

TEST(Optimizer, LeavesAloneWhatHasNoGradientOrIsFrozen) {
  Tensor a = parameter(ones({2}), "a"), b = parameter(ones({2}), "b");
  Optimizer optimizer(NamedTensors{{"a", a}, {"b", b}}, Adam{.weight_decay = 0.1});
  b.set_grad(ones({2}));
  b.set_requires_grad(false);
  optimizer.step();
  EXPECT_THAT(a.values(), ElementsAre(1, 1));
  EXPECT_THAT(b.values(), ElementsAre(1, 1));
}

TEST(Optimizer, ChangesCountAsInPlace) {
  Tensor w = parameter(full({1}, 2), "w");
  const Tensor loss = square(w);
  Optimizer optimizer(NamedTensors{{"w", w}}, Sgd{.lr = 1});
  w.set_grad(ones({1}));
  optimizer.step();
  EXPECT_THROW(loss.backward(), GraphError);
}

TEST(Optimizer, RefusesAStateThatIsNotItsOwn) {
  Tensor w = parameter(ones({2}), "w");
  const auto started = [&](auto rule) {
    Optimizer optimizer(NamedTensors{{"w", w}}, rule);
    w.set_grad(ones({2}));
    optimizer.step();
    return optimizer;
  };
  Optimizer adam = started(Adam{});
  const NamedTensors before = clone(adam.state());
  EXPECT_THAT(message_of([&] { adam.load_state(started(Sgd{.momentum = 0.9}).state()); }),
              HasSubstr("missing: adam.steps/w, adam.m/w, adam.v/w; unexpected: sgd.steps/w, sgd.velocity/w"));
  NamedTensors negative = clone(before);
  negative[1].tensor.fill(-1);
  EXPECT_THAT(message_of([&] { adam.load_state(negative); }), HasSubstr("'adam.steps/w' is -1"));
  NamedTensors wrong = clone(before);
  wrong[2].tensor = zeros({3});
  EXPECT_THAT(message_of([&] { adam.load_state(wrong); }), HasSubstr("adam.m/w is f32 [3], expected f32 [2]"));
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(adam.state()[i].tensor.values(), before[i].tensor.values());

  Optimizer fresh(NamedTensors{{"w", w}}, Adam{});
  adam.load_state(fresh.state());
  EXPECT_EQ(adam.steps(), 0);
  EXPECT_EQ(adam.state().size(), 1u);
}

template <class Each>
void for_each_rule(Each each) {
  each(Sgd{.lr = 0.1});
  each(Sgd{.lr = 0.1, .momentum = 0.9, .nesterov = true});
  each(Adam{.weight_decay = 0.1});
  each(AdamW{});
  each(AmsGrad{});
  each(NAdam{});
  each(RmsProp{});
  each(RmsProp{.momentum = 0.9});
  each(Adagrad{});
  each(Adadelta{});
  each(Lion{});
  each(mine::SignSgd{});
}

TEST(Optimizer, TrainsStridedParametersInPlace) {
  Rng rng(3);
  const Tensor init = randn({3, 4}, f64, rng), target = randn({3, 4}, f64, rng);
  for_each_rule([&](const auto& rule) {
    for (const DType dtype : {f32, f64}) {
      const auto train = [&](Tensor w) {
        w.set_requires_grad().set_name("w");
        Optimizer optimizer(NamedTensors{{"w", w}}, rule);
        for (int i = 0; i < 4; ++i) {
          mean(square(w - cast(target, dtype))).backward();
          optimizer.step();
          optimizer.zero_grad();
        }
        return w.values();
      };
      Tensor memory = cast(transpose(init), dtype).clone();
      const Tensor strided = transpose(memory);
      ASSERT_FALSE(strided.is_contiguous());
      EXPECT_EQ(train(strided), train(cast(init, dtype).clone()));
      EXPECT_EQ(transpose(memory).values(), strided.values()) << "in place";
      EXPECT_NE(strided.values(), cast(init, dtype).values());
    }
  });
}

TEST(Optimizer, TrainsAMatrixOfEigenInPlace) {
  Eigen::MatrixXf m = Eigen::MatrixXf::Ones(2, 3);
  Tensor w = wrap(m);
  w.set_requires_grad();
  Optimizer optimizer(NamedTensors{{"w", w}}, Adam{.lr = 0.5});
  sum(w).backward();
  optimizer.step();
  EXPECT_NEAR(m(1, 2), 0.5, 1e-6);
}

TEST(Optimizer, RefusesWhatItCannotTrain) {
  const auto refusal = [](NamedTensors parameters) {
    return message_of([&] { Optimizer(std::move(parameters), Sgd{}); });
  };
  EXPECT_THAT(refusal({}), HasSubstr("a group of sgd has no parameters"));
  EXPECT_THAT(refusal({{"w", Tensor()}}), HasSubstr("'w' is undefined"));
  EXPECT_THAT(refusal({{"w", square(parameter(ones({2}), "x"))}}), HasSubstr("'w'"));
  EXPECT_THAT(refusal({{"w", broadcast_to(ones({1}), {4})}}), HasSubstr("'w', f32 [4], is a broadcast view"));
  const Tensor shared = ones({2, 3});
  EXPECT_THAT(refusal({{"a", parameter(shared, "a")}, {"b", parameter(shared, "b")}}),
              HasSubstr("'b' shares its memory with 'a'"));
  EXPECT_THAT(refusal({{"a", ones({2})}, {"a", ones({2})}}), HasSubstr("two parameters named 'a'"));
  struct Forgetful : nn::Module {
    nn::Linear inner{3, 4}, outer{4, 1};
  } model;
  EXPECT_THAT(message_of([&] { Optimizer(model, Sgd{}); }),
              ::testing::AllOf(HasSubstr("Forgetful has no parameters"), HasSubstr("{*this, \"out\"")));
}

TEST(Optimizer, AddsNothingOfAGroupThatItRefuses) {
  Tensor a = parameter(zeros({1}), "a"), b = parameter(zeros({1}), "b");
  Optimizer optimizer(NamedTensors{{"a", a}}, Sgd{});
  EXPECT_THROW(optimizer.add({{"b", b}, {"a", zeros({1})}}, Sgd{}), ValueError);
  EXPECT_EQ(optimizer.parameters().size(), 1u);
  optimizer.add({{"b", b}}, Sgd{});
  EXPECT_EQ(optimizer.parameters().size(), 2u);
}

TEST(Optimizer, MakesAStepAsAWholeOrNotAtAll) {
  struct Picky : Rule {
    std::string_view name() const override { return "picky"; }
    std::span<const std::string_view> slots() const override { return {}; }
    double lr() const override { return 1; }
    Tensor prepared(const Tensor& gradient) const override {
      if (gradient.numel() == 3) throw ValueError("no three");
      return gradient;
    }
    void update(Tensor& p, const Tensor&, std::span<Tensor>, const StepInfo&) const override { p.fill(0); }
  };
  Tensor a = parameter(ones({2}), "a"), b = parameter(ones({3}), "b");
  Optimizer optimizer;
  optimizer.add_group(NamedTensors{{"a", a}, {"b", b}}, std::make_shared<Picky>());
  a.set_grad(ones({2}));
  b.set_grad(ones({3}));
  EXPECT_THROW(optimizer.step(), ValueError);
  EXPECT_THAT(a.values(), ElementsAre(1, 1));
  EXPECT_EQ(optimizer.steps(), 0);
}

TEST(Optimizer, RefusesRulesAndFactorsThatCannotBe) {
  struct Mine : Rule {
    std::vector<std::string_view> names{"m"};
    double rate = 0.1;
    std::function<void(Tensor&, std::span<Tensor>)> act = [](Tensor&, std::span<Tensor>) {};
    std::string_view name() const override { return "mine"; }
    std::span<const std::string_view> slots() const override { return names; }
    double lr() const override { return rate; }
    void update(Tensor& p, const Tensor&, std::span<Tensor> slots, const StepInfo&) const override { act(p, slots); }
  };
  Tensor w = parameter(ones({2}), "w");
  const auto add = [&](const std::shared_ptr<const Rule>& rule) {
    Optimizer optimizer;
    optimizer.add_group({{"w", w}}, rule);
    w.set_grad(ones({2}));
    optimizer.step();
  };
  EXPECT_THAT(message_of([&] { add(nullptr); }), HasSubstr("no rule"));
  auto rule = std::make_shared<Mine>();
  rule->rate = std::nan("");
  EXPECT_THAT(message_of([&] { add(rule); }), HasSubstr("the learning rate of mine is nan"));
  rule->rate = 0.1;
  rule->names = {"m", "m"};
  EXPECT_THAT(message_of([&] { add(rule); }), HasSubstr("two slots named 'm'"));
  rule->names = {"m"};
  rule->act = [](Tensor& p, std::span<Tensor>) { p = ones({5}); };
  EXPECT_THAT(message_of([&] { add(rule); }), HasSubstr("mine replaced the parameter 'w'"));
  rule->act = [](Tensor&, std::span<Tensor> slots) { slots[0] = ones({5}); };
  EXPECT_THAT(message_of([&] { add(rule); }), HasSubstr("mine replaced the parameter 'w' or a slot"));
  rule->act = [](Tensor&, std::span<Tensor>) {};
  add(rule);
  Optimizer optimizer(NamedTensors{{"w", w}}, Sgd{});
  for (const double factor : {std::nan(""), -1.0, std::numeric_limits<double>::infinity()})
    EXPECT_THROW(optimizer.set_rate_factor(factor), ValueError);
}

TEST(Optimizer, TakesManyGroups) {
  // Quadratic, this takes minutes.
  Optimizer optimizer;
  for (int i = 0; i < 20000; ++i) optimizer.add({{std::to_string(i), ones({1})}}, Sgd{});
  optimizer.load_state(optimizer.state());
  EXPECT_EQ(optimizer.parameters().size(), 20000u);
}

TEST(Optimizer, SameBitsOnAnyNumberOfThreads) {
  Rng rng(9);
  const Tensor init = randn({700, 500}, f32, rng), gradient = randn({700, 500}, f32, rng);
  const int threads = num_threads();
  const auto after = [&](int count) {
    set_num_threads(count);
    Tensor w = parameter(init.clone(), "w");
    Optimizer optimizer(NamedTensors{{"w", w}}, Adam{});
    for (int i = 0; i < 3; ++i) {
      w.set_grad(gradient);
      optimizer.step();
    }
    return w.values();
  };
  const std::vector<double> one = after(1);
  EXPECT_EQ(after(2), one);
  EXPECT_EQ(after(5), one);
  set_num_threads(threads);
}

}  // namespace
}  // namespace tapegrad::optim
