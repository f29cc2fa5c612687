#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
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
  a.set_grad(ones({2}, f64));
  EXPECT_THROW(optimizer.step(), DTypeError);
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
