// What a step of training takes from the pool, against bounds: not timed, so that any machine can tell. Who makes a
// step leaner lowers its bounds.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/models/language_model.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/optim/optimizer.hpp>

namespace tapegrad::nn {
namespace {

struct Costs {
  std::uint64_t blocks;  ///< taken from the pool
  std::uint64_t bytes;   ///< at the peak, beside weights, moments and data
};

/// Of one step, after some.
Costs costs_of_a_step(const Module& model, const std::function<Tensor()>& loss) {
  optim::Optimizer optimizer(model, optim::Adam{});
  const auto step = [&] {
    loss().backward();
    optimizer.step();
    optimizer.zero_grad();
  };
  for (int i = 0; i < 3; ++i) step();
  memory::reset_peak();
  const memory::Stats before = memory::stats();
  step();
  const memory::Stats after = memory::stats();
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  return {after.allocations - before.allocations, after.peak_bytes - before.live_bytes};
}

void expect_within(const Costs& costs, const Costs& bounds) {
  constexpr double kSlack = 1.05;
  EXPECT_LE(static_cast<double>(costs.blocks), kSlack * static_cast<double>(bounds.blocks));
  EXPECT_LE(static_cast<double>(costs.bytes), kSlack * static_cast<double>(bounds.bytes));
}

class StepCosts : public ::testing::Test {
 protected:
  StepCosts() { set_num_threads(1); }
  ~StepCosts() override { set_num_threads(threads_); }

 private:
  int threads_ = num_threads();
};

TEST_F(StepCosts, OfAnMlp) {
  Sequential model{Linear(784, 512), relu, Linear(512, 512), relu, Linear(512, 10)};
  const Tensor x = ones({32, 784}), target = zeros({32}, i64);
  expect_within(costs_of_a_step(model, [&] { return cross_entropy(model(x), target); }), {56, 3'260'000});
}

TEST_F(StepCosts, OfAGpt) {
  const auto model = models::LanguageModel::make({.kind = models::LanguageModelKind::gpt,
                                                  .tokens = 65,
                                                  .width = 64,
                                                  .layers = 2,
                                                  .heads = 4,
                                                  .context = 256,
                                                  .dropout = 0});
  const Tensor ids = zeros({2, 256}, i64), target = zeros({512}, i64);
  expect_within(costs_of_a_step(*model, [&] { return cross_entropy(model->forward(ids), target); }), {497, 6'210'000});
}

TEST_F(StepCosts, OfALinearThatIsNotRecorded) {
  const Linear layer(32, 64);
  const Tensor x = ones({1, 32});
  const NoGrad off;
  for (int i = 0; i < 3; ++i) layer(x);
  const std::uint64_t before = memory::stats().allocations;
  layer(x);
  EXPECT_LE(memory::stats().allocations - before, 2u);  // the node and its numbers
}

}  // namespace
}  // namespace tapegrad::nn
