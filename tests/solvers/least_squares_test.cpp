// Nonlinear regressions of NIST's Statistical Reference Datasets
// (https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml), from both of its starts, against its certified parameters,
// standard errors and sums of squares.

#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/tapegrad.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::HasSubstr;

struct Regression {
  const char* name;
  std::vector<double> x, y;
  Tensor (*model)(const Tensor& b, const Tensor& x);
  std::vector<std::vector<double>> starts;
  double damping;
  std::vector<double> certified, errors;
  double squares;
};

Tensor misra1a(const Tensor& b, const Tensor& x) { return b[0] * (1 - exp(-b[1] * x)); }
Tensor ratkowsky2(const Tensor& b, const Tensor& x) { return b[0] / (1 + exp(b[1] - b[2] * x)); }
Tensor rational(const Tensor& b, const Tensor& x) { return b[0] * (x * x + x * b[1]) / (x * x + x * b[2] + b[3]); }

std::vector<Regression> regressions() {
  return {{"Misra1a",
           {77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0},
           {10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78},
           misra1a,
           {{500, 1e-4}, {250, 5e-4}},
           1e-3,
           {2.3894212918e+02, 5.5015643181e-04},
           {2.7070075241e+00, 7.2668688436e-06},
           1.2455138894e-01},
          {"BoxBOD",
           {1, 2, 3, 5, 7, 10},
           {109, 149, 149, 191, 213, 224},
           misra1a,
           {{1, 1}, {100, 0.75}},
           100,  // less leaps from the first start to where exp(-b2 x) is 0, another lowest point: 9771.5
           {2.1380940889e+02, 5.4723748542e-01},
           {1.2354515176e+01, 1.0455993237e-01},
           1.1680088766e+03},
          {"Rat42",
           {9, 14, 21, 28, 42, 57, 63, 70, 79},
           {8.93, 10.80, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08},
           ratkowsky2,
           {{100, 1, 0.1}, {75, 2.5, 0.07}},
           1e-3,
           {7.2462237576e+01, 2.6180768402e+00, 6.7359200066e-02},
           {1.7340283401e+00, 8.8295217536e-02, 3.4465663377e-03},
           8.0565229338e+00},
          {"MGH09",
           {4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625},
           {0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246},
           rational,
           {{25, 39, 41.5, 39}, {0.25, 0.39, 0.415, 0.39}},
           1e-3,
           {1.9280693458e-01, 1.9128232873e-01, 1.2305650693e-01, 1.3606233068e-01},
           {1.1435312227e-02, 1.9633220911e-01, 8.0842031232e-02, 9.0025542308e-02},
           3.0750560385e-04}};
}

TEST(LeastSquares, AgreesWithTheCertifiedRegressions) {
  for (const Regression& regression : regressions()) {
    const Tensor x = tensor(regression.x), y = tensor(regression.y);
    for (const std::vector<double>& start : regression.starts) {
      const auto fit = solvers::least_squares([&](const Tensor& b) { return y - regression.model(b, x); },
                                              tensor(start), {.damping = regression.damping});
      const std::string name = regression.name + std::string(" from ") + to_string(tensor(start));
      EXPECT_EQ(fit.end, solvers::FitEnd::converged) << name << " after " << fit.iterations;
      EXPECT_NEAR(2 * fit.cost / regression.squares, 1, 1e-10) << name;
      for (std::int64_t i = 0; i < fit.x.numel(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        EXPECT_NEAR(fit.x.at({i}) / regression.certified[at], 1, 1e-8) << name << ", b" << i + 1;
        EXPECT_NEAR(std::sqrt(fit.covariance.at({i, i})) / regression.errors[at], 1, 1e-6)
            << name << ", error " << i + 1;
      }
    }
  }
}

TEST(LeastSquares, GaussNewtonSolvesALinearFitInOneStep) {
  const Tensor a = tensor({{1, 0}, {1, 1}, {1, 2}}, f64), b = tensor({1, 2, 4}, f64);
  const auto fit =
      solvers::least_squares([&](const Tensor& x) { return matmul(a, x) - b; }, tensor({10, -5}, f64), {.damping = 0});
  EXPECT_EQ(fit.end, solvers::FitEnd::converged);
  EXPECT_LE(fit.iterations, 2);
  EXPECT_NEAR(fit.x.at({0}), 5.0 / 6, 1e-13);
  EXPECT_NEAR(fit.x.at({1}), 1.5, 1e-13);
}

TEST(RobustLoss, IsTheSquareNearZeroAndHasItsSlope) {
  for (const auto& loss : {solvers::huber(1.5), solvers::soft_l1(1.5), solvers::cauchy(1.5)}) {
    EXPECT_NEAR(loss.rho(1e-8), 1e-8, 1e-15);
    for (const double s : {1e-3, 0.7, 2.0, 2.5, 40.0}) {
      const double h = 1e-6 * s;
      EXPECT_NEAR((loss.rho(s + h) - loss.rho(s - h)) / (2 * h), loss.slope(s), 1e-8) << s;
    }
    EXPECT_LT(loss.rho(400), 400);
  }
}

TEST(RobustLoss, ConvergesToAPointWhereTheRobustCostIsLeast) {
  const Tensor y = tensor({1, 1.1, 0.9, 1.05, 9}, f64);
  for (const auto& loss : {solvers::huber(0.2), solvers::soft_l1(0.2), solvers::cauchy(0.2)}) {
    const auto cost = [&](double x) {
      double sum = 0;
      for (const double v : y.values()) sum += loss.rho((v - x) * (v - x)) / 2;
      return sum;
    };
    const auto fit = solvers::least_squares([&](const Tensor& x) { return y - x; }, tensor({0}, f64), {.loss = loss});
    const double x = fit.x.item();
    EXPECT_NEAR(fit.cost, cost(x), 1e-12);
    EXPECT_LT(cost(x), cost(x + 1e-4));
    EXPECT_LT(cost(x), cost(x - 1e-4));
    EXPECT_LT(x, 1.3);
  }
}

TEST(LeastSquares, RefusesWhatCannotBeFitted) {
  const auto f = [](const Tensor& x) { return x - 1; };
  EXPECT_THROW(solvers::least_squares(f, scalar(1)), ShapeError);
  EXPECT_THROW(solvers::least_squares(f, tensor({1}, i64)), DTypeError);
  EXPECT_THAT(
      message_of<ValueError>([&] { solvers::least_squares([](const Tensor& x) { return log(x); }, tensor({-1})); }),
      HasSubstr("not finite at the start"));
  EXPECT_THAT(message_of<ValueError>([&] {
                solvers::least_squares([](const Tensor& x) { return x[0] + x[1] + zeros({3}); }, tensor({1, 2}),
                                       {.damping = 0});
              }),
              HasSubstr("full rank"));
  EXPECT_THROW(solvers::cauchy(0), ValueError);
  EXPECT_THROW(solvers::least_squares(f, tensor({1}), {.damping = -1}), ValueError);
}

}  // namespace
}  // namespace tapegrad
