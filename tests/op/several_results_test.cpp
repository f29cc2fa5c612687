// An operation with several results: one record of the call, and one of each result.

#include <gmock/gmock.h>

#include <tapegrad/core/internal/node_extra.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradient_check.hpp>
#include <tapegrad/testing/gradients.hpp>

namespace tapegrad {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The radius and the angle of (x, y), and which quadrant it lies in.
struct Polar {
  struct In {
    Tensor x, y;
  };
  struct Out {
    Tensor radius, angle, quadrant;
  };
  struct Kept {
    Tensor x, y, radius;
  };
  struct Attrs {
    double turn = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"turn", &Attrs::turn, "added to the angle"}}; }
  };
  static constexpr OpInfo info{.name = "polar", .formula = "radius² = x² + y², tan(angle) = y / x"};

  static void check(const Attrs& a, const In& in) {
    if (!(a.turn >= 0)) throw ValueError("polar: turn is " + std::to_string(a.turn) + "; it must be at least 0");
    if (in.x.shape() != in.y.shape())
      throw ShapeError("polar: x is " + to_string(in.x.shape()) + " and y " + to_string(in.y.shape()));
  }
  static Out shapes(const Attrs&, const In& in) {
    return {op::spec(in.x.shape(), in.x.dtype()), op::spec(in.x.shape(), in.x.dtype()), op::spec(in.x.shape(), i64)};
  }
  static Kept forward(const Attrs& a, const In& in, Out& out) {
    dispatch_floating(in.x.dtype(), [&]<class T>() {
      const auto x = in.x.data<T>(), y = in.y.data<T>();
      const auto radius = out.radius.mutable_data<T>(), angle = out.angle.mutable_data<T>();
      const auto quadrant = out.quadrant.mutable_data<std::int64_t>();
      for (std::size_t i = 0; i < x.size(); ++i) {
        radius[i] = std::sqrt(x[i] * x[i] + y[i] * y[i]);
        angle[i] = std::atan2(y[i], x[i]) + static_cast<T>(a.turn);
        quadrant[i] = (y[i] < 0 ? 2 : 0) + (x[i] < 0 ? 1 : 0);
      }
    });
    return {in.x, in.y, out.radius};
  }
  static In pull(const Attrs&, const Kept& k, const Out& g, op::Wanted<In> wanted) {
    calls += 1;
    const Tensor dr = g.radius.defined() ? g.radius / k.radius : zeros_like(k.radius);
    const Tensor da = g.angle.defined() ? g.angle / square(k.radius) : zeros_like(k.radius);
    In d;
    if (wanted(&In::x)) d.x = dr * k.x - da * k.y;
    if (wanted(&In::y)) d.y = dr * k.y + da * k.x;
    return d;
  }
  static std::vector<SampleOf<Polar>> samples(Rng& rng) {
    const auto draw = [&](const Shape& shape) { return rand(shape, 0.5, 2, f64, rng); };
    return {
        {{draw({2, 3}), draw({2, 3})}, {}}, {{draw({}), draw({})}, {.turn = 1}}, {{draw({0, 2}), draw({0, 2})}, {}}};
  }
  static std::vector<BadInputOf<Polar>> bad_inputs() {
    return {{{ones({2}), ones({3})}, {}, "polar: x is [2] and y [3]"},
            {{ones({2}), ones({2})}, {.turn = -1}, "polar: turn is -1"}};
  }
  static inline int calls = 0;
};
using Ops = OpList<Polar>;

Polar::Out polar(const Tensor& x, const Tensor& y) { return Ops::apply<Polar>({x, y}); }

struct SeveralResults : ::testing::Test {
  Tensor x = parameter(tensor({3, 1}, f64), "x"), y = parameter(tensor({4, -1}, f64), "y");
};

TEST_F(SeveralResults, AreProvenToTheThirdOrderEachAndTogether) {
  const testing::OpCheckResult result = testing::check_op(Ops::entries[0], 3);
  EXPECT_EQ(result.orders, 3) << (result.ok() ? "" : result.failures[0]);
  EXPECT_TRUE(result.forward);
  EXPECT_TRUE(testing::check_op(Ops::entries[0], 1, f32).ok());
  for (const BadInput& bad : Ops::entries[0].bad_inputs()) EXPECT_THROW(bad.call(bad.inputs), Error) << bad.message;
}

TEST_F(SeveralResults, HaveTheNamesOfTheMembers) {
  const OpRecord& record = *Ops::entries[0].record;
  EXPECT_THAT(record.results, ElementsAre("radius", "angle", "quadrant"));
  EXPECT_THAT(record.kept, ElementsAre("x", "y", "radius"));
  EXPECT_EQ(record.inputs[1].name, "y");
  const Polar::Out out = polar(x, y);
  EXPECT_EQ(op_name(engine::node_of(out.angle)), "polar.angle");
  EXPECT_FALSE(out.quadrant.requires_grad());
  EXPECT_TRUE(out.quadrant.is_leaf()) << "an integer holds on to no graph";
}

TEST_F(SeveralResults, AreDifferentiatedByOnePullThatSeesAllCotangents) {
  const Polar::Out out = polar(x, y);
  Polar::calls = 0;
  sum(out.radius + out.radius * out.angle).backward();
  EXPECT_EQ(Polar::calls, 1);
  // dL/dradius = 1 + angle, dL/dangle = radius.
  const double angle = std::atan2(4, 3);
  EXPECT_NEAR(x.grad().at({0}), (1 + angle) * 3 / 5 - 5 * 4 / 25.0, 1e-12);
  EXPECT_NEAR(y.grad().at({0}), (1 + angle) * 4 / 5 + 5 * 3 / 25.0, 1e-12);
}

TEST_F(SeveralResults, OfWhichSomeAreNotUsedHaveUndefinedCotangents) {
  const Tensor only_angle = polar(x, y).angle;
  sum(only_angle).backward();
  EXPECT_NEAR(x.grad().at({0}), -4 / 25.0, 1e-12);
  x.clear_grad();
  const Tensor g = grad(sum(polar(x, y.detach()).radius), x);
  EXPECT_NEAR(g.at({0}), 3 / 5.0, 1e-12);
}

TEST_F(SeveralResults, AreOutputsAndTargetsOfGrad) {
  const Polar::Out out = polar(x, y);
  const Tensor outputs[] = {out.radius, out.angle}, weights[] = {ones({2}, f64), ones({2}, f64)};
  const Tensor inputs[] = {out.radius, x};
  const auto found = grad(outputs, inputs, weights, {.retain_graph = true});
  EXPECT_EQ(found[0].values(), weights[0].values());
  EXPECT_NEAR(found[1].at({0}), 3 / 5.0 - 4 / 25.0, 1e-12);
}

TEST_F(SeveralResults, HaveHooksAndKeepTheirGradients) {
  Polar::Out out = polar(x, y);
  out.angle.retain_grad();
  out.radius.register_hook([](const Tensor& g) { return g * 2; });
  sum(out.radius + out.angle * 3).backward();
  EXPECT_EQ(out.angle.grad().values(), (std::vector<double>{3, 3}));
  EXPECT_NEAR(x.grad().at({0}), 2 * 3 / 5.0 - 3 * 4 / 25.0, 1e-12);
}

TEST_F(SeveralResults, RefuseASecondBackwardAndChangesInPlace) {
  const Tensor loss = sum(polar(x, y).radius);
  loss.backward();
  EXPECT_THAT([&] { loss.backward(); }, ::testing::Throws<GraphError>());
  Polar::Out out = polar(x, y);
  const Tensor angle = sum(out.angle);
  {
    const NoGrad off;
    out.angle.fill(1);  // nobody reads it
    out.radius.fill(1);
  }
  EXPECT_THAT([&] { angle.backward(); },
              ::testing::ThrowsMessage<GraphError>(HasSubstr("the result of polar.radius, f64 [2], is needed")));
  const Tensor scaled = x * 1;
  const Tensor late = sum(polar(scaled, y).angle);
  {
    const NoGrad off;
    Tensor handle = scaled;
    handle.fill(2);
  }
  EXPECT_THAT([&] { late.backward(); }, ::testing::ThrowsMessage<GraphError>(HasSubstr("polar saved its input 'x'")));
}

TEST_F(SeveralResults, AreGivenBackWithTheirGraph) {
  const std::uint64_t before = memory::stats().live_bytes;
  {
    const Tensor large = parameter(ones({1000}, f64));
    Polar::Out out = polar(large, large);
    sum(polar(out.radius, out.angle).radius).backward({.retain_graph = true});
    const Tensor second = grad(sum(grad(sum(out.radius * out.angle), large, {.create_graph = true})), large);
    const Tensor unused = polar(large, large).angle;
  }
  EXPECT_EQ(memory::stats().live_bytes, before);
}

TEST_F(SeveralResults, LetGoOfWhatTheyKeptAfterBackward) {
  constexpr std::int64_t kMany = 1 << 16;
  const Tensor large = parameter(ones({kMany}, f64));
  Tensor angle = polar(large, large).angle;
  const std::uint64_t before = memory::stats().live_bytes;
  const Tensor loss = sum(angle);
  loss.backward();
  engine::node_of(large).extra->gradient = Tensor();
  EXPECT_LT(memory::stats().live_bytes, before - kMany * 7) << "the radius, which only the call still had";
}

TEST_F(SeveralResults, GoThroughForwardModeAndCheckpoints) {
  const auto f = [](const Tensor& a, const Tensor& b) {
    const Polar::Out out = polar(a, b);
    return out.radius * sin(out.angle);
  };
  EXPECT_THAT(f, testing::HasCorrectGradients({x.detach(), y.detach()}, {.order = 3}));
  const Tensor once = sum(checkpoint([&](std::span<const Tensor> in) { return f(in[0], in[1]); }, {x, y}));
  EXPECT_EQ(grad(once, x).values(), grad(sum(f(x, y)), x).values());
}

TEST_F(SeveralResults, AreAllTracedWhereNothingElseIsRecorded) {
  const NoGrad off;
  const Trace trace;
  const Polar::Out out = polar(x, y);
  ASSERT_EQ(trace.nodes().size(), 4u);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_LT(trace.nodes()[i - 1]->sequence, trace.nodes()[i]->sequence);
  EXPECT_EQ(op_name(engine::node_of(out.quadrant)), "polar.quadrant");
}

TEST_F(SeveralResults, AnomaliesNameTheOp) {
  const AnomalyMode on(true);
  EXPECT_THAT([&] { polar(x / 0, y); }, ::testing::Throws<AnomalyError>());
  const Tensor zero = parameter(zeros({1}, f64));
  const Polar::Out out = polar(zero, zero);
  EXPECT_THAT([&] { sum(out.radius).backward(); }, ::testing::Throws<AnomalyError>());
}

}  // namespace
}  // namespace tapegrad
