// The tape: what is recorded, forgotten, refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <optional>
#include <tapegrad/core/error.hpp>
#include <tapegrad/scalar/scalar.hpp>

#include "../message_of.hpp"

namespace tapegrad::scalars {
namespace {

using ::testing::HasSubstr;

TEST(Recording, GivesTheGradientOfAStatement) {
  Recording recording;
  const Real x = recording.input(2), y = recording.input(3);
  const Real z = x * y + sin(x);
  recording.backward(z);
  EXPECT_EQ(z.value(), 6 + std::sin(2.0));
  EXPECT_NEAR(recording.grad(x), 3 + std::cos(2.0), 1e-15);
  EXPECT_EQ(recording.grad(y), 2);
  EXPECT_EQ(recording.statements(), 3u);
  EXPECT_EQ(recording.bytes(), 3 + 3 * 12u);
}

TEST(Recording, ConstantsCostNothing) {
  Recording recording;
  const Real two = 2, three(3.0f);
  const Real five = two + three * 1;
  EXPECT_TRUE(five.is_constant());
  EXPECT_EQ(recording.statements(), 0u);
  const Real x = recording.input(4), y = x * five + two;
  EXPECT_EQ(recording.bytes(), 2 + 12u);
  recording.backward(y);
  EXPECT_EQ(recording.grad(x), 5);
  EXPECT_EQ(recording.grad(five), 0);
}

TEST(Recording, WithoutOneNothingIsRecorded) {
  const Real x = 2, y = x * x;
  EXPECT_TRUE(y.is_constant());
  EXPECT_EQ(y.value(), 4);
}

TEST(Recording, TakesCompoundAssignments) {
  Recording recording;
  const Real x = recording.input(3);
  Real y = x;
  y += x;  // 2x
  y *= y;  // 4x²
  y -= 1;
  y /= x;  // 4x - 1/x
  ++y;
  recording.backward(y);
  EXPECT_NEAR(recording.grad(x), 4 + 1 / 9.0, 1e-15);
}

TEST(Recording, ExpressionsInAutoOutliveTheirParts) {
  Recording recording;
  const Real x = recording.input(3);
  const auto twice = [](const Real& v) { return Real(v * 2); };
  const auto product = twice(x) * twice(x);  // of two temporaries
  const Real y = product + 1;
  recording.backward(y);
  EXPECT_EQ(recording.grad(x), 24);
}

TEST(Recording, SpansManyChunks) {
  Recording recording;
  const Real x = recording.input(1);
  Real sum = 0;
  constexpr int kCount = 1'000'000;
  for (int i = 0; i < kCount; ++i) sum += x * 0.5;
  recording.backward(sum);
  EXPECT_EQ(recording.grad(x), kCount * 0.5);
  EXPECT_EQ(recording.bytes(), 2 + 12u + (kCount - 1) * 25u);
}

TEST(Recording, KeepsItsMemoryForTheNext) {
  for (int i = 0; i < 3; ++i) {
    Recording recording;
    const Real x = recording.input(i);
    Real y = x;
    for (int k = 0; k < 100'000; ++k) y = y + x;
    recording.backward(y);
    EXPECT_EQ(recording.grad(x), 100'001);
  }
}

TEST(Recording, RewindsToAPosition) {
  Recording recording;
  const Real x = recording.input(2), parameter = x * x;
  Adjoints adjoints(recording);
  const auto start = recording.position();
  for (int path = 1; path <= 1000; ++path) {
    const Real y = parameter * path;
    adjoints.add(y, 1);
    adjoints.sweep(start);
    recording.rewind(start);
  }
  adjoints.sweep();
  EXPECT_EQ(adjoints.of(x), 4 * 500500.0);
  EXPECT_EQ(recording.statements(), 2u);
}

TEST(Recording, RefusesWhatWasRewound) {
  Recording recording;
  const Real x = recording.input(2);
  const auto start = recording.position();
  const Real y = x * x;
  const auto later = recording.position();
  recording.rewind(start);
  EXPECT_THAT(message_of<GraphError>([&] { Real(y + 1); }), HasSubstr("was rewound"));
  EXPECT_THAT(message_of<GraphError>([&] { recording.rewind(later); }), HasSubstr("position"));
  const Real again = x * 3;  // at y's place
  EXPECT_THAT(message_of<GraphError>([&] { recording.backward(y); }), HasSubstr("was rewound"));
  recording.backward(again);
  EXPECT_EQ(recording.grad(x), 3);
  EXPECT_THAT(message_of<GraphError>([&] { recording.grad(y); }), HasSubstr("was rewound"));
  for (int i = 0; i < 10; ++i) {
    recording.rewind(start);
    const Real z = x * i;
    recording.rewind(recording.position());
    recording.backward(z);
    EXPECT_EQ(recording.grad(x), i);
  }
}

TEST(Recording, RefusesValuesThatOutliveIt) {
  std::optional<Real> kept;
  {
    Recording recording;
    kept = recording.input(2);
  }
  EXPECT_EQ(kept->value(), 2);
  EXPECT_THAT(message_of<GraphError>([&] { Real(*kept + 1); }), HasSubstr("recording has ended"));
  Recording next;
  const Real x = next.input(1);
  EXPECT_THAT(message_of<GraphError>([&] { Real(*kept * x); }), HasSubstr("make it an input of this recording"));
  next.make_input(*kept);
  const Real z = *kept * x;
  next.backward(z);
  EXPECT_EQ(next.grad(*kept), 1);
}

TEST(Recording, InnerOnesRefuseValuesOfTheOuter) {
  Recording outer;
  const Real x = outer.input(2);
  {
    Recording inner;
    const Real u = inner.input(x.value());
    EXPECT_THAT(message_of<GraphError>([&] { Real(u * x); }), HasSubstr("nest the types"));
    const Real v = u * u;
    inner.backward(v);
    EXPECT_EQ(inner.grad(u), 4);
    EXPECT_THAT(message_of<GraphError>([&] { outer.backward(x); }), HasSubstr("enclosing"));
  }
  const Real y = x * 3;
  outer.backward(y);
  EXPECT_EQ(outer.grad(x), 3);
}

TEST(Recording, MayEndBeforeOnesWithinIt) {
  auto outer = std::make_unique<Recording<>>();
  auto inner = std::make_unique<Recording<>>();
  const Real x = inner->input(2);
  outer.reset();
  EXPECT_THROW(Real(x + 1), GraphError);
  EXPECT_THROW(inner->input(1), GraphError);
  inner.reset();
  Recording next;
  const Real y = next.input(3), z = y * y;
  next.backward(z);
  EXPECT_EQ(next.grad(y), 6);
}

TEST(Recording, CopiesAndMovedFromValuesAreTheSameValue) {
  Recording recording;
  Real x = recording.input(2);
  Real copy = x, moved = std::move(copy);
  copy = 5;
  const Real y = x * moved;
  x = 7;  // does not change what was recorded
  recording.backward(y);
  EXPECT_EQ(recording.grad(moved), 4);
  EXPECT_EQ(recording.grad(copy), 0);
  EXPECT_TRUE(x.is_constant());
}

TEST(Recording, TakesJacobiansByHand) {
  Recording recording;
  std::vector<Real> x;
  std::vector<double> partials;
  for (int i = 0; i < 1000; ++i) {
    x.push_back(i % 7 == 0 ? Real(i) : recording.input(i));
    partials.push_back(i);
  }
  const Real y = recording.statement(5, x, partials), z = y * 2;
  recording.backward(z);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(recording.grad(x[std::size_t(i)]), i % 7 == 0 ? 0 : 2 * i) << i;
  EXPECT_THAT(message_of<ValueError>([&] { recording.statement(5, x, std::span(partials).first(3)); }),
              HasSubstr("has 3 elements, not 1000"));
}

TEST(Recording, AsksExternalFunctionsForTheirGradient) {
  Recording recording;
  const Real x = recording.input(2), y = x * 3;
  const Real arguments[] = {y, Real(4)};
  const double values[] = {24, 10};  // the product, and the sum
  int calls = 0;
  const auto results = recording.external(values, arguments, [&](const double* g, double* out) {
    ++calls;
    out[0] = g[0] * 4 + g[1];
    out[1] = g[0] * 6 + g[1];
  });
  const Real z = results[0] * 2 + results[1] * x;
  recording.backward(z);
  EXPECT_EQ(recording.grad(x), 3 * (2 * 4 + 2) + 10);
  EXPECT_EQ(calls, 1);
  Adjoints<double, 2> both(recording);
  both.add(results[0], 1, 0);
  both.add(results[1], 1, 1);
  both.sweep();
  EXPECT_EQ(both.of(x, 0), 12);
  EXPECT_EQ(both.of(x, 1), 3);
}

TEST(Recording, SweepsSeveralAdjointsAtOnce) {
  Recording recording;
  const Real x = recording.input(2), y = recording.input(3);
  const Real product = x * y, quotient = x / y;
  Adjoints<double, 2> adjoints(recording);
  adjoints.add(product, 1, 0);
  adjoints.add(quotient, 1, 1);
  adjoints.sweep();
  EXPECT_EQ(adjoints.of(x, 0), 3);
  EXPECT_EQ(adjoints.of(y, 0), 2);
  EXPECT_NEAR(adjoints.of(x, 1), 1 / 3.0, 1e-15);
  EXPECT_NEAR(adjoints.of(y, 1), -2 / 9.0, 1e-15);
}

// d/dx (x d/dy (x + y)) at 1 is 1: an implementation that confuses the two perturbations says 2.
TEST(Nesting, DoesNotConfusePerturbations) {
  const auto derivative_forward = [](auto f, const auto& at) {
    using T = std::remove_cvref_t<decltype(at)>;
    return f(Dual<T>(at, 0)).tangent();
  };
  EXPECT_EQ(derivative_forward(
                [&](const auto& x) {
                  return x *
                         derivative_forward([&](const auto& y) { return x + y; }, std::remove_cvref_t<decltype(x)>(1));
                },
                1.0),
            1);
  Recording outer;
  const Real x = outer.input(1);
  Recording<Real> inner;
  const Active<Real> y = inner.input(Real(1));
  const Active<Real> sum = x + y;
  inner.backward(sum);
  const Real z = x * inner.grad(y);
  outer.backward(z);
  EXPECT_EQ(outer.grad(x), 1);
}

TEST(Nesting, KeepsDerivativesOfWhatIsZero) {
  // The first derivative of x³ at 0 is 0, the third is not.
  using A = Active<Active<Active<double>>>;
  Recording<> r1;
  Recording<Active<double>> r2;
  Recording<Active<Active<double>>> r3;
  const auto x1 = r1.input(0);
  const auto x2 = r2.input(x1);
  const A x3 = r3.input(x2), y = x3 * x3 * x3;
  r3.backward(y);
  const auto first = r3.grad(x3);
  r2.backward(first);
  const auto second = r2.grad(x2);
  r1.backward(second);
  EXPECT_EQ(r1.grad(x1), 6);
}

}  // namespace
}  // namespace tapegrad::scalars
