// Scalar functions as ops of the tensor graph, and tensor functions on the tape.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/scalar/tensor.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const auto price = [](const auto& spot, const auto& volatility) {
  using std::exp, std::log;
  return spot * exp(-volatility * volatility) + log(spot);
};
const auto energy = [](const auto& x, const auto& w) {
  std::remove_cvref_t<decltype(x[0])> sum = x[0] * x[1] * w[0];
  for (std::size_t i = 0; i + 1 < x.size(); ++i) sum += w[i % w.size()] * (x[i + 1] - x[i] * x[i]);
  return sum;
};
const auto polar = [](const auto& x) {
  using std::cos, std::sin;
  using T = std::remove_cvref_t<decltype(x[0])>;
  return std::vector<T>{x[0] * cos(x[1]), x[0] * sin(x[1]), x[1], x[0]};
};

TEST(ScalarOp, ElementwiseHasGradientsToTheSecondOrder) {
  const Tensor spot = tensor({{1.5, 2.0, 0.7}, {1.1, 3.0, 0.2}}, f64), volatility = tensor({0.3, 0.1, 0.5}, f64);
  const auto op = scalars::elementwise(price, {.name = "price"});
  EXPECT_THAT(op, HasCorrectGradients({spot, volatility}, {.order = 2}));
  const Tensor by_tensors = spot * exp(-volatility * volatility) + log(spot);
  for (std::int64_t i = 0; i < 6; ++i)
    EXPECT_NEAR(op(spot, volatility).values()[std::size_t(i)], by_tensors.values()[std::size_t(i)], 1e-14);
  EXPECT_EQ(op(cast(spot, f32), cast(volatility, f32)).dtype(), f32);
}

TEST(ScalarOp, OfWholeTensorsHasGradientsToTheSecondOrder) {
  const Tensor x = tensor({{0.4, -1.2}, {0.8, 0.3}}, f64), w = tensor({2.0, -0.5, 1.0}, f64);
  EXPECT_THAT(scalars::scalar_op(energy), HasCorrectGradients({x, w}, {.order = 2}));
  const auto two_by_two = scalars::scalar_op(polar, {.name = "polar", .shape = {2, 2}});
  EXPECT_THAT(two_by_two, HasCorrectGradients({tensor({2.0, 0.5}, f64)}, {.order = 2}));
}

TEST(ScalarOp, IsOneNodeOfThePicture) {
  Tensor x = tensor({1.0, 2.0}, f64);
  x.set_requires_grad();
  const graph::ComputationGraph g = graph::capture(sum(scalars::elementwise(price, {.name = "price"})(x, x)));
  std::size_t found = 0;
  for (const graph::Vertex& v : g.vertices())
    if (v.kind == graph::VertexKind::op && v.op == "scalar_function") {
      ++found;
      EXPECT_EQ(v.attributes, (std::vector<graph::Attribute>{{"function", "price"}}));
    }
  EXPECT_EQ(found, 1u);
  EXPECT_EQ(g.forward_size(), 4u);  // x, the function, sum, output
}

TEST(ScalarOp, LeavesWhatIsNotUsedAtZero) {
  Tensor x = tensor({0.0, 4.0}, f64);
  x.set_requires_grad();
  const auto root = scalars::elementwise([](const auto& v) {
    using std::sqrt;
    return sqrt(v);
  });
  sum(where(x > 1, root(x), 0.0)).backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(0, 0.25));
  EXPECT_EQ(root(zeros({0, 3}, f64)).shape(), (Shape{0, 3}));
}

TEST(ScalarOp, SaysWhatItCannotDo) {
  const Tensor x = tensor({2.0, 0.5}, f64);
  EXPECT_THAT(message_of<ValueError>([&] { scalars::scalar_op(polar, {.name = "polar"})(x); }),
              HasSubstr("'polar' returned 4 numbers for a result of shape []"));
  EXPECT_THAT(message_of<DTypeError>([&] { scalars::elementwise(price)(x, cast(x, f32)); }), HasSubstr("f64 and f32"));
  Tensor leaf = tensor({2.0}, f64);
  leaf.set_requires_grad();
  const auto cube = scalars::elementwise([](const auto& v) { return v * v * v; }, {.name = "cube"});
  const Tensor first = grad(sum(cube(leaf)), leaf, {.create_graph = true});
  const Tensor second = grad(sum(first), leaf, {.create_graph = true});
  EXPECT_EQ(second.values()[0], 12);
  EXPECT_THAT(message_of<GraphError>([&] { grad(sum(second), leaf); }), HasSubstr("third derivative of 'cube'"));
}

TEST(TensorFunction, IsAFunctionOnTheTape) {
  using scalars::Real;
  scalars::Recording recording;
  const std::vector<Real> x = {recording.input(1), recording.input(2), recording.input(3), 4};
  const auto squared = [](const Tensor& m) { return matmul(m, m); };
  const std::vector<Real> y = tensor_function(recording, squared, x, {2, 2});
  ASSERT_EQ(y.size(), 4u);
  EXPECT_EQ(y[0].value(), 7);
  const Real z = y[0] * y[3] + x[1];  // (a² + bc)(bc + d²) + b
  for (int sweep = 0; sweep < 2; ++sweep) {
    recording.backward(z);
    EXPECT_EQ(recording.grad(x[0]), 2 * 1 * 22);
    EXPECT_EQ(recording.grad(x[1]), 3 * 22 + 3 * 7 + 1);
    EXPECT_EQ(recording.grad(x[2]), 2 * 22 + 2 * 7);
  }
  EXPECT_THAT(message_of<ShapeError>([&] {
                tensor_function(recording, squared, x, {3, 2});
              }),
              HasSubstr("4 scalars are no tensor of shape [3, 2]"));
}

}  // namespace
}  // namespace tapegrad
