#include <gmock/gmock.h>

#include <tapegrad/tapegrad.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::HasSubstr;

TEST(ConjugateGradients, SolvesInAsManyStepsAsThereAreUnknowns) {
  const Tensor a = tensor({{4, 1}, {1, 3}}, f64), b = tensor({1, 2}, f64);
  const auto found = solvers::conjugate_gradients([&](const Tensor& v) { return matmul(a, v); }, b);
  EXPECT_EQ(found.end, solvers::CgEnd::converged);
  EXPECT_LE(found.iterations, 2);
  EXPECT_NEAR(found.x.at({0}), 1.0 / 11, 1e-15);
  EXPECT_NEAR(found.x.at({1}), 7.0 / 11, 1e-15);
}

// Newton's step for a convex function: its Hessian is never made.
TEST(ConjugateGradients, TakesAHessianByItsProducts) {
  const Tensor start = parameter(tensor({{0.5, -1}, {2, 0.1}}, f64));
  const auto f = [](const Tensor& x) { return sum(exp(x)) + sum(square(square(x))) + 0.5 * square(sum(x)); };
  const Tensor g = grad(f(start), start);
  const auto found = solvers::conjugate_gradients([&](const Tensor& v) { return hvp(f, start, v); }, g);
  EXPECT_EQ(found.end, solvers::CgEnd::converged);
  const Tensor h = reshape(hessian(f, start), {4, 4});
  const Tensor exact = solve(h, flatten(g).detach());
  for (std::int64_t i = 0; i < 4; ++i) EXPECT_NEAR(flatten(found.x).at({i}), exact.at({i}), 1e-9);
}

TEST(ConjugateGradients, SaysWhereItEnds) {
  const Tensor b = tensor({1, 1}, f64), saddle = tensor({1, -2}, f64);
  const auto indefinite = solvers::conjugate_gradients([&](const Tensor& v) { return saddle * v; }, b);
  EXPECT_EQ(indefinite.end, solvers::CgEnd::indefinite);
  const Tensor steep = tensor({1, 1000}, f64);
  const auto stopped =
      solvers::conjugate_gradients([&](const Tensor& v) { return steep * v; }, b, {.max_iterations = 1});
  EXPECT_EQ(stopped.end, solvers::CgEnd::iterations);
  EXPECT_EQ(stopped.iterations, 1);
  const auto nothing = solvers::conjugate_gradients([](const Tensor& v) { return v * 1; }, zeros({3}));
  EXPECT_EQ(nothing.end, solvers::CgEnd::converged);
  EXPECT_EQ(nothing.residual, 0);
}

TEST(ConjugateGradients, RefusesWhatDoesNotFit) {
  const auto same = [](const Tensor& v) { return v * 1; };
  EXPECT_THAT(
      message_of<ShapeError>([&] { solvers::conjugate_gradients([](const Tensor&) { return ones({3}); }, ones({2})); }),
      HasSubstr("[3]"));
  EXPECT_THROW(solvers::conjugate_gradients([](const Tensor& v) { return cast(v, f64); }, ones({2})), DTypeError);
  EXPECT_THROW(solvers::conjugate_gradients(same, ones({2}, i64)), DTypeError);
  EXPECT_THROW(solvers::conjugate_gradients(same, ones({2}), {.tolerance = -1}), ValueError);
}

}  // namespace
}  // namespace tapegrad
