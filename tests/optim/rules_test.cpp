// Each rule against its paper's update, written here in plain doubles, element by element.

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/optim/optimizer.hpp>

namespace tapegrad::optim {
namespace {

// The state of one element: p changes by the gradient g at step t; a, b, c are the rule's own, 0 at first.
struct Element {
  double p = 0, a = 0, b = 0, c = 0;
};
using Reference = std::function<void(Element& e, double g, double t)>;

struct Case {
  std::string name;
  std::shared_ptr<const Rule> lazy, exact;
  Reference reference;
};

template <class R>
Case make_case(std::string name, R rule, Reference reference) {
  rule.sparse = SparseUpdate::lazy;
  auto lazy = make_rule(rule);
  rule.sparse = SparseUpdate::exact;
  return {std::move(name), lazy, make_rule(rule), std::move(reference)};
}

Reference sgd(double lr, double momentum, bool nesterov, double decay) {
  return [=](Element& e, double g, double) {
    g += decay * e.p;
    e.a = momentum * e.a + g;
    e.p -= lr * (nesterov ? g + momentum * e.a : e.a);
  };
}

Reference adam(double lr, double b1, double b2, double eps, double coupled, double decoupled, bool amsgrad = false) {
  return [=](Element& e, double g, double t) {
    g += coupled * e.p;
    e.p -= lr * decoupled * e.p;
    e.a = b1 * e.a + (1 - b1) * g;
    e.b = b2 * e.b + (1 - b2) * g * g;
    e.c = std::max(e.c, e.b);
    const double m = e.a / (1 - std::pow(b1, t)), v = (amsgrad ? e.c : e.b) / (1 - std::pow(b2, t));
    e.p -= lr * m / (std::sqrt(v) + eps);
  };
}

Reference nadam(double lr, double b1, double b2, double eps, double psi) {
  const auto mu = [=](double t) { return b1 * (1 - 0.5 * std::pow(0.96, t * psi)); };
  return [=](Element& e, double g, double t) {
    e.c = (t == 1 ? 1 : e.c) * mu(t);
    e.a = b1 * e.a + (1 - b1) * g;
    e.b = b2 * e.b + (1 - b2) * g * g;
    const double m = mu(t + 1) * e.a / (1 - e.c * mu(t + 1)) + (1 - mu(t)) * g / (1 - e.c);
    e.p -= lr * m / (std::sqrt(e.b / (1 - std::pow(b2, t))) + eps);
  };
}

Reference rmsprop(double lr, double alpha, double eps, double momentum) {
  return [=](Element& e, double g, double) {
    e.a = alpha * e.a + (1 - alpha) * g * g;
    e.b = momentum * e.b + g / (std::sqrt(e.a) + eps);
    e.p -= lr * e.b;
  };
}

Reference adagrad(double lr, double eps, double decay) {
  return [=](Element& e, double g, double) {
    g += decay * e.p;
    e.a += g * g;
    e.p -= lr * g / (std::sqrt(e.a) + eps);
  };
}

Reference adadelta(double lr, double rho, double eps) {
  return [=](Element& e, double g, double) {
    e.a = rho * e.a + (1 - rho) * g * g;
    const double d = std::sqrt(e.b + eps) / std::sqrt(e.a + eps) * g;
    e.b = rho * e.b + (1 - rho) * d * d;
    e.p -= lr * d;
  };
}

Reference lion(double lr, double b1, double b2, double decay) {
  return [=](Element& e, double g, double) {
    const double c = b1 * e.a + (1 - b1) * g;
    e.p -= lr * ((c > 0 ? 1 : c < 0 ? -1 : 0) + decay * e.p);
    e.a = b2 * e.a + (1 - b2) * g;
  };
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      make_case("Sgd", Sgd{.lr = 0.1, .weight_decay = 0.01}, sgd(0.1, 0, false, 0.01)),
      make_case("Momentum", Sgd{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01}, sgd(0.1, 0.9, false, 0.01)),
      make_case("Nesterov", Sgd{.lr = 0.1, .momentum = 0.8, .nesterov = true}, sgd(0.1, 0.8, true, 0)),
      make_case("Adam", Adam{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-4, .weight_decay = 0.1},
                adam(0.01, 0.8, 0.95, 1e-4, 0.1, 0)),
      make_case("AdamDefaults", Adam{}, adam(1e-3, 0.9, 0.999, 1e-8, 0, 0)),
      make_case("AdamW", AdamW{.lr = 0.01}, adam(0.01, 0.9, 0.999, 1e-8, 0, 0.01)),
      make_case("AmsGrad", AmsGrad{.lr = 0.01, .beta2 = 0.5}, adam(0.01, 0.9, 0.5, 1e-8, 0, 0, true)),
      make_case("NAdam", NAdam{.lr = 0.01}, nadam(0.01, 0.9, 0.999, 1e-8, 4e-3)),
      make_case("RmsProp", RmsProp{}, rmsprop(0.01, 0.99, 1e-8, 0)),
      make_case("RmsPropMomentum", RmsProp{.momentum = 0.9}, rmsprop(0.01, 0.99, 1e-8, 0.9)),
      make_case("Adagrad", Adagrad{.weight_decay = 0.1}, adagrad(0.01, 1e-10, 0.1)),
      make_case("Adadelta", Adadelta{}, adadelta(1, 0.9, 1e-6)),
      make_case("Lion", Lion{.lr = 0.01, .weight_decay = 0.1}, lion(0.01, 0.9, 0.99, 0.1)),
  };
  return all;
}

class Rules : public ::testing::TestWithParam<Case> {};

TEST_P(Rules, FollowThePublishedUpdate) {
  for (const DType dtype : {f64, f32}) {
    Rng rng(5);
    Tensor p = parameter(randn({3, 7}, dtype, rng), "p");
    std::vector<Element> reference(21);
    for (std::size_t i = 0; i < reference.size(); ++i) reference[i].p = p.values()[i];
    Optimizer optimizer;
    optimizer.add_group({{"p", p}}, GetParam().lazy);
    for (int t = 1; t <= 25; ++t) {
      p.set_grad(randn({3, 7}, dtype, rng));
      const std::vector<double> g = p.grad().values();
      for (std::size_t i = 0; i < reference.size(); ++i) GetParam().reference(reference[i], g[i], t);
      optimizer.step();
      for (std::size_t i = 0; i < reference.size(); ++i)
        ASSERT_NEAR(p.values()[i], reference[i].p, dtype == f64 ? 1e-13 : 2e-5) << "element " << i << ", step " << t;
    }
  }
}

// Embedding gradients list the rows that occur, some of them twice.
Tensor sparse_gradient(const std::vector<std::int64_t>& rows, const Tensor& values) {
  return make_row_sparse({6, 5}, copy_of(rows), values);
}

TEST_P(Rules, LazyUpdatesTouchedRowsOnlyAndAsDenseOnesWould) {
  Rng rng(6);
  const Tensor init = randn({6, 5}, f32, rng);
  Tensor lazy = parameter(init.clone(), "p"), dense = parameter(init.clone(), "p");
  Optimizer lazily, densely;
  lazily.add_group({{"p", lazy}}, GetParam().lazy);
  densely.add_group({{"p", dense}}, GetParam().lazy);
  for (int t = 0; t < 5; ++t) {
    const Tensor gradient = sparse_gradient({4, 1, 4, 2}, randn({4, 5}, f32, rng));
    lazy.set_grad(gradient);
    dense.set_grad(gradient.to_dense());
    lazily.step();
    densely.step();
  }
  for (std::int64_t row = 0; row < 6; ++row)
    for (std::int64_t column = 0; column < 5; ++column) {
      const bool touched = row == 1 || row == 2 || row == 4;
      EXPECT_EQ(lazy.at({row, column}), touched ? dense.at({row, column}) : init.at({row, column}));
    }
}

TEST_P(Rules, ExactModeEqualsTheDenseUpdateBitForBit) {
  Rng rng(7);
  const Tensor init = randn({6, 5}, f32, rng);
  Tensor sparse = parameter(init.clone(), "p"), dense = parameter(init.clone(), "p");
  Optimizer sparsely, densely;
  sparsely.add_group({{"p", sparse}}, GetParam().exact);
  densely.add_group({{"p", dense}}, GetParam().exact);
  for (int t = 0; t < 5; ++t) {
    const Tensor gradient = sparse_gradient({t, 1, 5, t}, randn({4, 5}, f32, rng));
    sparse.set_grad(gradient);
    dense.set_grad(gradient.to_dense());
    sparsely.step();
    densely.step();
  }
  EXPECT_EQ(sparse.values(), dense.values());
}

TEST_P(Rules, GoOnBitForBitFromASavedState) {
  Rng rng(8);
  std::vector<Tensor> gradients;
  for (int t = 0; t < 10; ++t) gradients.push_back(randn({6, 5}, f32, rng));
  const Tensor init = randn({6, 5}, f32, rng);
  const auto run = [&](Tensor p, Optimizer& optimizer, int from, int to) {
    for (int t = from; t < to; ++t) {
      p.set_grad(gradients[static_cast<std::size_t>(t)]);
      optimizer.step();
    }
  };
  Tensor through = parameter(init.clone());
  Optimizer one;
  one.add_group({{"p", through}}, GetParam().lazy);
  run(through, one, 0, 4);
  const NamedTensors saved = clone(one.state());
  Tensor resumed = parameter(through.clone());
  run(through, one, 4, 10);

  Optimizer two;
  two.add_group({{"p", resumed}}, GetParam().lazy);
  two.load_state(saved);
  EXPECT_EQ(two.steps(), 4);
  run(resumed, two, 4, 10);
  EXPECT_EQ(resumed.values(), through.values());
}

INSTANTIATE_TEST_SUITE_P(All, Rules, ::testing::ValuesIn(cases()), [](const auto& c) { return c.param.name; });

TEST(RuleOptions, AreChecked) {
  EXPECT_THROW(make_rule(Adam{.lr = -1}), ValueError);
  EXPECT_THROW(make_rule(Adam{.beta1 = 1}), ValueError);
  EXPECT_THROW(make_rule(Sgd{.lr = std::nan("")}), ValueError);
  EXPECT_THROW(make_rule(Sgd{.nesterov = true}), ValueError);
  EXPECT_THROW(make_rule(Lion{.beta2 = 1.5}), ValueError);
}

}  // namespace
}  // namespace tapegrad::optim
