#include <tapegrad/nn/recurrent.hpp>

#include <gmock/gmock.h>

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/optimizer.hpp>
#include <tapegrad/testing/gradients.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr RecurrentKind kKinds[] = {RecurrentKind::tanh, RecurrentKind::relu, RecurrentKind::lstm, RecurrentKind::gru};

auto near_to(const Tensor& wanted) { return Pointwise(DoubleNear(1e-12), wanted.values()); }

RecurrentOptions in_f64(Rng& rng, RecurrentOptions options = {}) {
  options.cell.dtype = f64;
  options.cell.rng = &rng;
  return options;
}

TEST(RecurrentCell, HasHandComputedValues) {
  // One unit: gates i, f, g, o = x w + h u + b.
  LstmCell cell(1, 1, {.dtype = f64});
  cell.input_weight.copy_from(tensor({1, 2, 3, 4}, Shape{4, 1}, f64));
  cell.recurrent_weight.copy_from(tensor({0.5, -0.5, 1, -1}, Shape{4, 1}, f64));
  cell.bias.copy_from(tensor({0, 1, 0, -1}, f64));
  const RecurrentState after =
      cell(tensor({0.5}, {1, 1}, f64), RecurrentState{tensor({0.25}, {1, 1}, f64), tensor({-0.5}, {1, 1}, f64)});
  const auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
  const double c = logistic(1 + 1 - 0.125) * -0.5 + logistic(0.5 + 0.125) * std::tanh(1.5 + 0.25);
  EXPECT_NEAR(after.cell.item(), c, 1e-15);
  EXPECT_NEAR(after.hidden.item(), logistic(2 - 0.25 - 1) * std::tanh(c), 1e-15);
}

TEST(RecurrentCell, StepsGiveWhatTheSequenceGives) {
  for (const RecurrentKind kind : kKinds) {
    Rng rng(1);
    Recurrent layer(kind, 3, 4, in_f64(rng));
    const Tensor x = randn({2, 5, 3}, f64, rng);
    const RecurrentResult all = layer(x);
    EXPECT_EQ(all.output.shape(), (Shape{2, 5, 4}));
    EXPECT_EQ(all.state.hidden.shape(), (Shape{1, 2, 4}));
    RecurrentState state;
    for (std::int64_t t = 0; t < 5; ++t) {
      state = layer.cells[0](select(x, 1, t), state);
      EXPECT_THAT(select(all.output, 1, t).values(), near_to(state.hidden));
    }
    EXPECT_THAT(all.state.hidden.values(), near_to(state.hidden));
    EXPECT_EQ(all.state.cell.defined(), kind == RecurrentKind::lstm);
    if (state.cell.defined()) {
      EXPECT_THAT(all.state.cell.values(), near_to(state.cell));
    }
  }
}

TEST(Recurrent, GoesOnFromAState) {
  for (const RecurrentKind kind : kKinds) {
    Rng rng(2);
    Recurrent layer(kind, 3, 2, in_f64(rng, {.layers = 2}));
    const Tensor x = randn({2, 6, 3}, f64, rng);
    const RecurrentResult whole = layer(x), first = layer(slice(x, 1, 0, 2)), rest = layer(slice(x, 1, 2), first.state);
    EXPECT_THAT(concat({first.output, rest.output}, 1).values(), near_to(whole.output));
    EXPECT_THAT(rest.state.hidden.values(), near_to(whole.state.hidden));
  }
}

TEST(Recurrent, ReadsBothWays) {
  Rng rng(3);
  Lstm both(3, 2, in_f64(rng, {.bidirectional = true}));
  Lstm backwards(3, 2, in_f64(rng));
  backwards.cells[0] = both.cells[1];
  const Tensor x = randn({2, 4, 3}, f64, rng);
  const RecurrentResult a = both(x), b = backwards(flip(x, {1}));
  EXPECT_EQ(a.output.shape(), (Shape{2, 4, 4}));
  EXPECT_THAT(slice(a.output, 2, 2, 4).values(), near_to(flip(b.output, {1})));
  EXPECT_THAT(select(a.state.cell, 0, 1).values(), near_to(b.state.cell));
}

TEST(Recurrent, GivesSequencesOfAnyLengthWhatTheyGetAlone) {
  for (const RecurrentKind kind : kKinds) {
    Rng rng(4);
    Recurrent layer(kind, 3, 2, in_f64(rng, {.layers = 2, .bidirectional = true}));
    Tensor x = randn({3, 4, 3}, f64, rng);
    const std::int64_t lengths[] = {4, 2, 1};
    for (std::int64_t b = 0; b < 3; ++b) slice(select(x, 0, b), 0, lengths[b]).fill(1e6);
    const RecurrentResult all = layer(x, RecurrentState{}, tensor({4, 2, 1}, i64));
    for (std::int64_t b = 0; b < 3; ++b) {
      const RecurrentResult alone = layer(slice(slice(x, 0, b, b + 1), 1, 0, lengths[b]));
      EXPECT_THAT(slice(select(all.output, 0, b), 0, 0, lengths[b]).values(), near_to(alone.output));
      EXPECT_THAT(select(all.state.hidden, 1, b).values(), near_to(alone.state.hidden));
      for (const double v : slice(select(all.output, 0, b), 0, lengths[b]).values()) EXPECT_EQ(v, 0);
    }
  }
}

TEST(Recurrent, HasCorrectGradients) {
  for (const RecurrentKind kind : {RecurrentKind::tanh, RecurrentKind::lstm, RecurrentKind::gru}) {
    Rng rng(5);
    Recurrent layer(kind, 2, 2, in_f64(rng, {.layers = 2, .bidirectional = true}));
    const auto f = [&](const Tensor& x) {
      const RecurrentResult r = layer(x, RecurrentState{}, tensor({3, 2}, i64));
      return concat({reshape(r.output, {-1}), reshape(r.state.hidden, {-1})});
    };
    EXPECT_THAT(f, HasCorrectGradients({randn({2, 3, 2}, f64, rng)}, {.order = 2}));
  }
}

TEST(Recurrent, LearnsToRemember) {
  // The sign of the first of ten numbers.
  Rng rng(6);
  Gru gru(1, 8, {.cell = {.rng = &rng}});
  optim::Optimizer optimizer(gru, optim::Adam{.lr = 0.02});
  double loss = 1;
  for (int step = 0; step < 150; ++step) {
    const Tensor x = randn({32, 10, 1}, f32, rng);
    const Tensor target = select(select(sign(x), 1, 0), 1, 0);
    const Tensor error = mean(square(select(select(gru(x).output, 1, 9), 1, 0) - target));
    error.backward();
    optimizer.step();
    optimizer.zero_grad();
    loss = error.item();
  }
  EXPECT_LT(loss, 0.1);
}

TEST(Recurrent, SaysWhatDoesNotFit) {
  struct Model : Module {
    Lstm lstm{*this, "lstm", 3, 4, {.layers = 2}};
  } model;
  const Tensor x = zeros({2, 5, 3});
  EXPECT_THAT(message_of([&] {
                model.lstm(zeros({2, 5, 4}));
              }),
              HasSubstr("Lstm 'lstm': input [2, 5, 4], expected [B, L, 3]"));
  EXPECT_THAT(message_of([&] {
                model.lstm(x, RecurrentState{zeros({1, 2, 4}), {}});
              }),
              HasSubstr("a state is [1, 2, 4], expected [2, 2, 4]"));
  EXPECT_THAT(message_of([&] {
                model.lstm(x, RecurrentState{}, tensor({5, 6}, i64));
              }),
              HasSubstr("a length of 6, where sequences have 5 steps"));
  EXPECT_THAT(message_of([&] {
                model.lstm(x, RecurrentState{}, tensor({5, 5}, i32));
              }),
              HasSubstr("lengths are i32 [2], expected i64 [2]"));
  EXPECT_THAT(message_of([&] {
                model.lstm.cells[0](zeros({2, 4}));
              }),
              HasSubstr("LstmCell 'lstm.cells.0': input [2, 4], expected [B, 3]"));
  EXPECT_THROW(Gru(0, 2), ValueError);
  EXPECT_THROW(Gru(2, 2, {.layers = 0}), ValueError);
  EXPECT_THROW(Gru(2, 2, {.dropout = 1}), ValueError);
}

TEST(Recurrent, IsCopiedWithItsWeights) {
  Rng rng(7);
  Lstm a(2, 3, in_f64(rng, {.layers = 2}));
  const Lstm b = a;
  const Tensor x = randn({1, 4, 2}, f64, rng);
  EXPECT_THAT(b(x).output.values(), near_to(a(x).output));
  a.cells[0].bias.fill(3);
  EXPECT_NE(b(x).output.values(), a(x).output.values());
  EXPECT_EQ(a.named_parameters()[0].name, "cells.0.input_weight");
}

}  // namespace
}  // namespace tapegrad::nn
