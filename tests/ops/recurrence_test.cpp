#include <tapegrad/ops/recurrence.hpp>

#include <gmock/gmock.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradient_check.hpp>

#include "twins.hpp"

namespace tapegrad {
namespace {

constexpr std::int64_t kSteps = 3, kRows = 2, kWidth = 2;

/// A cell's results in a row, as functions of one tensor are compared.
Tensor row(const LstmResult& r) { return testing::in_one(std::vector{r.output, r.hidden, r.cell}); }
Tensor row(const RecurrenceResult& r) { return testing::in_one(std::vector{r.output, r.hidden}); }

LstmResult lstm_by_steps(const Tensor& x, const Tensor& weight, Tensor h, Tensor c, bool reverse) {
  std::vector<Tensor> steps(static_cast<std::size_t>(x.size(0)));
  for (std::int64_t s = 0; s < x.size(0); ++s) {
    const std::int64_t t = reverse ? x.size(0) - 1 - s : s;
    const auto gates = chunk(select(x, 0, t) + matmul(h, transpose(weight)), 4, 1);
    const Tensor i = sigmoid(gates[0]), f = sigmoid(gates[1]), g = tanh(gates[2]), o = sigmoid(gates[3]);
    c = f * c + i * g;
    h = o * tanh(c);
    steps[static_cast<std::size_t>(t)] = h;
  }
  return {stack(steps), h, c};
}

RecurrenceResult gru_by_steps(const Tensor& x, const Tensor& weight, const Tensor& bias, Tensor h) {
  std::vector<Tensor> steps;
  for (std::int64_t t = 0; t < x.size(0); ++t) {
    const auto in = chunk(select(x, 0, t), 3, 1), by = chunk(matmul(h, transpose(weight)) + bias, 3, 1);
    const Tensor r = sigmoid(in[0] + by[0]), z = sigmoid(in[1] + by[1]), n = tanh(in[2] + r * by[2]);
    h = (1 - z) * n + z * h;
    steps.push_back(h);
  }
  return {stack(steps), h};
}

struct Inputs {
  Rng rng{3};
  Tensor x4 = randn({kSteps, kRows, 4 * kWidth}, f64, rng), w4 = randn({4 * kWidth, kWidth}, f64, rng);
  Tensor x3 = randn({kSteps, kRows, 3 * kWidth}, f64, rng), w3 = randn({3 * kWidth, kWidth}, f64, rng);
  Tensor b3 = randn({3 * kWidth}, f64, rng);
  Tensor h = randn({kRows, kWidth}, f64, rng), c = randn({kRows, kWidth}, f64, rng);
};

TEST(Recurrence, LstmIsItsStepsToTheThirdOrder) {
  const Inputs in;
  for (const bool reverse : {false, true}) {
    const RecurrenceOptions options{.reverse = reverse};
    tests::expect_twins([&](const Tensor& x) { return row(lstm(x, in.w4, in.h, in.c, options)); },
                        [&](const Tensor& x) { return row(lstm_by_steps(x, in.w4, in.h, in.c, reverse)); }, in.x4, 3);
    tests::expect_twins([&](const Tensor& w) { return row(lstm(in.x4, w, in.h, in.c, options)); },
                        [&](const Tensor& w) { return row(lstm_by_steps(in.x4, w, in.h, in.c, reverse)); }, in.w4, 3);
    tests::expect_twins([&](const Tensor& h) { return row(lstm(in.x4, in.w4, h, h * in.c, options)); },
                        [&](const Tensor& h) { return row(lstm_by_steps(in.x4, in.w4, h, h * in.c, reverse)); }, in.h,
                        3);
  }
}

TEST(Recurrence, GruIsItsStepsToTheThirdOrder) {
  const Inputs in;
  tests::expect_twins([&](const Tensor& x) { return row(gru(x, in.w3, in.b3, in.h)); },
                      [&](const Tensor& x) { return row(gru_by_steps(x, in.w3, in.b3, in.h)); }, in.x3, 3);
  tests::expect_twins([&](const Tensor& w) { return row(gru(in.x3, w, sum(w, {1}) * in.b3, in.h)); },
                      [&](const Tensor& w) { return row(gru_by_steps(in.x3, w, sum(w, {1}) * in.b3, in.h)); }, in.w3,
                      3);
  tests::expect_twins([&](const Tensor& h) { return row(gru(in.x3, in.w3, in.b3, h)); },
                      [&](const Tensor& h) { return row(gru_by_steps(in.x3, in.w3, in.b3, h)); }, in.h, 3);
}

TEST(Recurrence, PaddingIsNotRead) {
  const Inputs in;
  // The second sequence has one step only; what follows is NaN.
  Tensor x = in.x4.clone();
  slice(select(x, 1, 1), 0, 1).fill(std::nan(""));
  const Tensor leaf = parameter(x);
  const LstmResult padded = lstm(leaf, in.w4, in.h, in.c, {.lengths = {3, 1}});
  const LstmResult alone =
      lstm(slice(slice(in.x4, 1, 1, 2), 0, 0, 1), in.w4, slice(in.h, 0, 1, 2), slice(in.c, 0, 1, 2));
  for (std::int64_t j = 0; j < kWidth; ++j) {
    for (std::int64_t t = 0; t < kSteps; ++t) EXPECT_DOUBLE_EQ(padded.output.at({t, 1, j}), alone.output.at({0, 0, j}));
    EXPECT_DOUBLE_EQ(padded.hidden.at({1, j}), alone.hidden.at({0, j}));
    EXPECT_DOUBLE_EQ(padded.cell.at({1, j}), alone.cell.at({0, j}));
  }
  const std::vector<Tensor> all = find_op("lstm").call(std::vector{x, in.w4, in.h, in.c}, {{"lengths", "(3, 1)"}});
  EXPECT_EQ(all.back().at({0, 2, 1, 0}), 0) << "its gates";
  (sum(padded.output) + sum(padded.cell)).backward();
  for (const double v : slice(select(leaf.grad(), 1, 1), 0, 1).values()) EXPECT_EQ(v, 0);
  for (const double v : leaf.grad().values()) EXPECT_FALSE(std::isnan(v));
}

TEST(Recurrence, HasTheSameBitsOnAnyNumberOfThreads) {
  Rng rng(5);
  const Tensor x = randn({3, 64, 4 * 256}, f32, rng), w = parameter(randn({4 * 256, 256}, f32, rng) * 0.05);
  const Tensor h = zeros({64, 256});
  const auto run = [&](int threads) {
    set_num_threads(threads);
    const Tensor y = row(lstm(x, w, h, h));
    return std::pair{y.values(), grad(sum(y), w).values()};
  };
  const int before = num_threads();
  const auto one = run(1), two = run(2);
  set_num_threads(before);
  EXPECT_EQ(one, two);
}

TEST(Recurrence, LayersOnLayersHaveTheGradientsOfTheirSteps) {
  const Inputs in;
  const Tensor w = parameter(in.w4), x = parameter(in.x4);
  const auto twice = [&](const auto& layer) {
    const LstmResult first = layer(x);
    const Tensor wide =
        concat({first.output, first.output * 2, first.output + unsqueeze(first.cell, 0), first.output}, 2);
    return sum(square(row(layer(wide))));
  };
  const Tensor fused = twice([&](const Tensor& v) { return lstm(v, w, in.h, in.c); });
  const Tensor composed = twice([&](const Tensor& v) { return lstm_by_steps(v, w, in.h, in.c, false); });
  const Tensor inputs[] = {x, w};
  const auto a = grad({&fused, 1}, inputs), b = grad({&composed, 1}, inputs);
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_THAT(a[i].values(), ::testing::Pointwise(::testing::DoubleNear(1e-10), b[i].values()));
}

}  // namespace
}  // namespace tapegrad
