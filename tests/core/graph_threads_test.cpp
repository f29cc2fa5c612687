// Graphs of different threads do not meet; one graph in two threads is an error, not a race.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
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

/// Runs `body(i)` on as many threads at once.
void on_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&, i] { body(i); });
  for (std::thread& t : threads) t.join();
}

// Whatever the threads do first, a leaf that they share is claimed by none of them.
TEST(Threads, GraphsOfTheirOwnMayShareLeaves) {
  const Tensor x = randn({8, 8});
  const Tensor w = parameter(randn({8, 8})), b = parameter(zeros({8}));
  const auto loss = [&] { return sum(square(tanh(matmul(x, w) + b))); };
  const Tensor both[] = {w, b}, of[] = {loss()};
  const std::vector<Tensor> alone = grad(of, both);
  std::atomic<int> wrong = 0;
  on_threads(4, [&](int) {
    for (int k = 0; k < 100; ++k) {
      const Tensor own[] = {loss()};
      const std::vector<Tensor> found = grad(own, both);
      for (std::size_t i = 0; i < 2; ++i) wrong += found[i].values() != alone[i].values();
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_FALSE(w.grad().defined()) << "grad() leaves leaves alone";
}

TEST(Threads, GradientsOfOneLeafAddUp) {
  constexpr int kThreads = 4, kPasses = 100;
  const Tensor w = parameter(ones({16}));
  // Whole numbers: their sum does not depend on the order.
  on_threads(kThreads, [&](int i) {
    for (int k = 0; k < kPasses; ++k) {
      sum(w * (i + 1)).backward();
      if (k % 10 == 0) {
        EXPECT_TRUE(w.grad().defined());
      }
    }
  });
  EXPECT_THAT(w.grad().values(), ::testing::Each(kPasses * (1 + 2 + 3 + 4)));
}

// The root of a pass may be a leaf; a leaf may be met again after another pass has let go of it; a pass may fail.
TEST(Threads, SharedLeavesInEveryRole) {
  const Tensor w = parameter(ones({}));
  Tensor hooked = parameter(ones({}));
  std::atomic<int> seen = 0;
  hooked.register_hook([&](const Tensor&) {
    ++seen;
    return Tensor();
  });
  on_threads(4, [&](int i) {
    for (int k = 0; k < 100; ++k) {
      EXPECT_EQ(grad(w, w).item(), 1);
      EXPECT_EQ(grad(w * hooked + w * w + exp(w) * 0, w).item(), 3);
      EXPECT_EQ(grad(w * hooked, hooked).item(), 1);
      Tensor y = w * hooked;
      if (i == 0) {
        y.register_hook([](const Tensor&) -> Tensor { throw ValueError("no"); });
        EXPECT_THROW(grad(y, w), ValueError);
      }
    }
  });
  EXPECT_GE(seen, 400);
  EXPECT_EQ(grad(w * hooked, w).item(), 1) << "nothing stayed claimed";
}

// A result that several graphs lead to is theirs in common, and not a leaf: either it works or it is refused.
TEST(Threads, SharedResultsAreRefusedOrRight) {
  const Tensor w = parameter(ones({4}));
  const Tensor shared = exp(w);
  std::atomic<int> refused = 0, wrong = 0;
  on_threads(4, [&](int) {
    for (int k = 0; k < 100; ++k) {
      try {
        wrong += grad(sum(shared * 2), w, {.retain_graph = true}).values() !=
                 grad(sum(shared * 2), w, {.retain_graph = true}).values();
      } catch (const GraphError&) {
        ++refused;
      }
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(grad(sum(shared), w).defined());
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
