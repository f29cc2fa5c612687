#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/eigen.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/lbfgs.hpp>

#include "../message_of.hpp"

namespace tapegrad::optim {
namespace {

using ::testing::HasSubstr;
using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

// Rosenbrock's valley in n dimensions: sum of 100 (x[i + 1] - x[i]²)² + (1 - x[i])².
struct Valley {
  explicit Valley(int size) : x(parameter(full({size}, -1.2, f64), "x")), n(size) {}
  Tensor loss() const {
    Tensor sum = zeros({}, f64);
    for (int i = 0; i + 1 < n; ++i) sum = sum + 100 * square(x[i + 1] - square(x[i])) + square(1 - x[i]);
    return sum;
  }
  Vector values() const {
    const std::vector<double> v = x.values();
    return Eigen::Map<const Vector>(v.data(), n);
  }
  // By hand.
  static Vector gradient(const Vector& v) {
    Vector g = Vector::Zero(v.size());
    for (Eigen::Index i = 0; i + 1 < v.size(); ++i) {
      const double d = v[i + 1] - v[i] * v[i];
      g[i] += -400 * d * v[i] - 2 * (1 - v[i]);
      g[i + 1] += 200 * d;
    }
    return g;
  }
  static double value(const Vector& v) {
    double sum = 0;
    for (Eigen::Index i = 0; i + 1 < v.size(); ++i)
      sum += 100 * std::pow(v[i + 1] - v[i] * v[i], 2) + std::pow(1 - v[i], 2);
    return sum;
  }

  Tensor x;
  int n;
};

TEST(Lbfgs, FollowsTheDenseUpdateStepByStep) {
  constexpr int kHistory = 4;
  Valley valley(5);
  Lbfgs optimizer({{"x", valley.x}}, {.iterations = 1, .history = kHistory});
  std::vector<std::pair<Vector, Vector>> pairs;
  Vector x = valley.values();
  for (int step = 0; step < 30; ++step) {
    // The inverse Hessian by the formula of the full method, from the pairs that are remembered.
    Matrix h = Matrix::Identity(5, 5);
    if (!pairs.empty()) h *= pairs.back().first.dot(pairs.back().second) / pairs.back().second.squaredNorm();
    for (const auto& [s, y] : pairs) {
      const double rho = 1 / y.dot(s);
      const Matrix v = Matrix::Identity(5, 5) - rho * y * s.transpose();
      h = v.transpose() * h * v + rho * s * s.transpose();
    }
    const Vector g = Valley::gradient(x), d = -h * g;
    optimizer.step([&] { return valley.loss(); });
    const Vector next = valley.values(), s = next - x, y = Valley::gradient(next) - g;
    EXPECT_NEAR(s.dot(d) / (s.norm() * d.norm()), 1, 1e-9) << "direction of step " << step;
    const double slope = g.dot(d) * s.norm() / d.norm();
    EXPECT_LE(Valley::value(next), Valley::value(x) + 1e-4 * slope + 1e-15) << "decrease, step " << step;
    EXPECT_LE(std::abs(Valley::gradient(next).dot(s)), 0.9 * std::abs(slope) + 1e-15) << "curvature, step " << step;
    if (y.dot(s) > 0) pairs.emplace_back(s, y);
    if (pairs.size() > kHistory) pairs.erase(pairs.begin());
    x = next;
  }
}

TEST(Lbfgs, FindsTheFloorOfTheValley) {
  for (const int n : {2, 10}) {
    Valley valley(n);
    Lbfgs optimizer({{"x", valley.x}}, {.iterations = 300});
    const Lbfgs::Result result = optimizer.step([&] { return valley.loss(); });
    EXPECT_EQ(result.stopped, Lbfgs::Stop::converged);
    EXPECT_LT(result.iterations, 100);
    EXPECT_LT(result.evaluations, 2 * result.iterations);
    // From -1.2 in ten dimensions another minimum is nearest.
    if (n == 2) {
      EXPECT_NEAR((valley.values() - Vector::Ones(n)).norm(), 0, 1e-6);
    }
    EXPECT_LT(Valley::gradient(valley.values()).cwiseAbs().maxCoeff(), 1e-6);
    EXPECT_NEAR(result.loss, Valley::value(valley.values()), 1e-15);
    EXPECT_FALSE(valley.x.grad().defined());
  }
}

TEST(Lbfgs, SolvesLeastSquaresInFloats) {
  Rng rng(1);
  const Tensor a = randn({40, 6}, f32, rng), truth = randn({6, 1}, f32, rng), b = matmul(a, truth);
  Tensor w = parameter(zeros({6, 1}), "w"), unused = parameter(zeros({2}), "unused");
  Lbfgs optimizer({{"w", w}, {"unused", unused}});
  optimizer.step([&] { return mean(square(matmul(a, w) - b)); });
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(w.values()[i], truth.values()[i], 1e-4);
}

TEST(Lbfgs, GoesOnBitForBitFromASavedState) {
  Valley one(6), two(6);
  const Lbfgs::Options options{.iterations = 3, .history = 4};
  Lbfgs first({{"x", one.x}}, options), second({{"x", two.x}}, options);
  for (int i = 0; i < 6; ++i) {
    first.step([&] { return one.loss(); });
    Lbfgs restored({{"x", two.x}}, options);
    restored.load_state(clone(second.state()));
    second = std::move(restored);
    second.step([&] { return two.loss(); });
    EXPECT_EQ(one.x.values(), two.x.values());
  }
  Lbfgs other({{"x", parameter(zeros({2}), "x")}});
  EXPECT_THROW(other.load_state(first.state()), ValueError);
  EXPECT_THROW(other.load_state({}), ValueError);
}

TEST(Lbfgs, EndsWhereItCannotGoOn) {
  Tensor x = parameter(full({1}, 2.0, f64), "x");
  Lbfgs optimizer({{"x", x}});
  EXPECT_EQ(optimizer.step([&] { return sum(x * 0); }).stopped, Lbfgs::Stop::converged);
  EXPECT_THROW(optimizer.step([&] { return sum(log(x - 5)); }), DivergenceError);
  EXPECT_EQ(x.values(), std::vector<double>{2});
  // Steps past the edge, where the logarithm is no number, are taken back.
  const Lbfgs::Result result = optimizer.step([&] { return sum(x - log(x)); });
  EXPECT_NEAR(x.item(), 1, 1e-6);
  EXPECT_NEAR(result.loss, 1, 1e-12);
  EXPECT_THROW(Lbfgs({{"x", x}}, {.history = 0}), ValueError);
  EXPECT_THROW(Lbfgs({{"x", x}}, {.sufficient_decrease = 0.95}), ValueError);
  EXPECT_THROW(Lbfgs({{"x", x + 1}}), ValueError);
}

TEST(Lbfgs, ChecksWhatTheLossReturns) {
  Tensor x = parameter(full({3}, 2.0, f64), "x"), other = parameter(ones({1}, f64), "other");
  Lbfgs optimizer({{"x", x}});
  const auto refusal = [&](const std::function<Tensor()>& loss) {
    const std::string message = message_of([&] { optimizer.step(loss); });
    EXPECT_EQ(x.values(), std::vector<double>(3, 2.0)) << message;
    return message;
  };
  EXPECT_THAT(refusal([] { return Tensor(); }), HasSubstr("an undefined tensor"));
  EXPECT_THAT(refusal([&] { return square(x); }), HasSubstr("the loss returned f64 [3]"));
  EXPECT_THAT(refusal([] { return ones({1}, i64); }), HasSubstr("expected one floating element"));
  EXPECT_THAT(refusal([] { return ones({1}); }), HasSubstr("depends on no parameter"));
  EXPECT_THAT(refusal([&] { return sum(other); }), HasSubstr("depends on none of the parameters"));
  EXPECT_THAT(refusal([&] { return sum(x * std::nan("")); }), HasSubstr("the loss is nan"));
  EXPECT_THAT(refusal([&] { return sum(sqrt(x - 2)); }), HasSubstr("the loss is 0, its gradient at most inf"));
  EXPECT_THAT(message_of([] { Lbfgs({}); }), HasSubstr("no parameters"));
}

TEST(Lbfgs, KeepsTheLastPointWhenTheLossThrows) {
  Valley valley(3);
  Lbfgs optimizer({{"x", valley.x}}, {.iterations = 5});
  int calls = 0;
  std::vector<double> last;
  EXPECT_THROW(optimizer.step([&]() -> Tensor {
    if (++calls == 1) last = valley.x.values();
    if (calls == 2) throw std::runtime_error("out of fuel");
    return valley.loss();
  }),
               std::runtime_error);
  EXPECT_EQ(valley.x.values(), last);
  EXPECT_FALSE(valley.x.grad().defined());
  EXPECT_LT(optimizer.step([&] { return valley.loss(); }).loss, Valley::value(Vector::Constant(3, -1.2)));
}

TEST(Lbfgs, TrainsStridedParametersInPlace) {
  Rng rng(4);
  Tensor memory = randn({2, 3}, f64, rng), strided = transpose(memory), dense = strided.clone();
  const Tensor target = randn({3, 2}, f64, rng);
  for (Tensor* w : {&strided, &dense}) {
    w->set_requires_grad();
    Lbfgs({{"w", *w}}).step([&] { return mean(square(*w - target)); });
  }
  EXPECT_EQ(strided.values(), dense.values());
  EXPECT_EQ(transpose(memory).values(), dense.values());
}

}  // namespace
}  // namespace tapegrad::optim
