// Graphs of different threads do not meet; one graph in two threads is an error, not a race.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/tapegrad.hpp>
#include <thread>

namespace tapegrad {
namespace {

using ::testing::HasSubstr;

/// The weights after some steps of gradient descent on a small network.
std::vector<double> train(std::uint64_t seed) {
  Rng rng(seed);
  const Tensor x = randn({32, 6}, f32, rng), y = randn({32, 2}, f32, rng);
  Tensor w1 = parameter(randn({6, 16}, f32, rng)), b = parameter(zeros({16})), w2 = parameter(randn({16, 2}, f32, rng));
  for (int step = 0; step < 40; ++step) {
    const Scope scope("step" + std::to_string(step % 3));
    const Tensor loss = mean(square(matmul(tanh(matmul(x, w1) + b), w2) - y));
    loss.backward();
    for (Tensor* p : {&w1, &b, &w2}) {
      const NoGrad off;
      p->copy_from(*p - p->grad() * 0.05);
      p->clear_grad();
    }
  }
  std::vector<double> weights = w1.values();
  for (const Tensor& t : {b, w2})
    for (const double v : t.values()) weights.push_back(v);
  return weights;
}

TEST(Threads, EightModelsTrainedAtOnceHaveTheBitsOfOne) {
  constexpr std::size_t kModels = 8;
  std::vector<std::vector<double>> alone(kModels), together(kModels);
  for (std::size_t i = 0; i < kModels; ++i) alone[i] = train(i);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kModels; ++i) threads.emplace_back([&, i] { together[i] = train(i); });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(together, alone);
  EXPECT_NE(alone[0], alone[1]);
}

TEST(Threads, OneGraphInTwoIsRefused) {
  const Tensor x = parameter(ones({3}));
  Tensor y = exp(x);
  const Tensor z = sum(y);
  std::string refused;
  y.register_hook([&](const Tensor&) {
    // The other thread meets the graph while this one is in the middle of it.
    std::thread([&] {
      try {
        z.backward();
      } catch (const GraphError& e) {
        refused = e.what();
      }
    }).join();
    return Tensor();
  });
  z.backward();
  EXPECT_THAT(refused, HasSubstr("is being differentiated by another backward pass"));
  EXPECT_THAT(x.grad().values(), ::testing::Each(::testing::DoubleNear(std::exp(1.0), 1e-6)));
}

TEST(Threads, HandlesMayDieElsewhere) {
  for (int round = 0; round < 20; ++round) {
    Tensor x = parameter(ones({64}));
    Tensor y = sum(tanh(exp(x) * 2));
    Tensor copy = y;
    std::thread other([moved = std::move(y)]() mutable { moved = Tensor(); });
    copy = Tensor();
    other.join();
  }
}

TEST(Threads, GraphsMayBeBuiltInOneAndDifferentiatedInAnother) {
  const Tensor x = parameter(ones({5}));
  const Tensor y = sum(exp(x));
  std::thread([&] { y.backward(); }).join();
  EXPECT_TRUE(x.grad().defined());
}

TEST(Threads, ModesAndScopesAreTheirOwn) {
  const NoGrad off;
  const AnomalyMode on;
  const Scope scope("outer");
  std::thread([] {
    EXPECT_TRUE(grad_enabled());
    EXPECT_FALSE(AnomalyMode::enabled());
    EXPECT_EQ(Scope::current(), nullptr);
    const Scope same("outer");
  }).join();
  EXPECT_FALSE(grad_enabled());
}

}  // namespace
}  // namespace tapegrad
