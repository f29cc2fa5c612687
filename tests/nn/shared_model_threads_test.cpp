// One model in several threads: answers, gradients of parts of a batch, and steps by turns.

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <tapegrad/tapegrad.hpp>
#include <thread>

namespace tapegrad {
namespace {

struct Model : nn::Module {
  explicit Model(Rng& rng)
      : words(*this, "words", 50, 8, {.rng = &rng}),
        encoder(*this, "encoder", 1, 8, 2, {.dropout = 0, .rng = &rng}),
        norm(*this, "norm", 8),
        output(*this, "output", 8, 3, {.rng = &rng}) {}
  Tensor forward(const Tensor& ids) { return output(norm(mean(encoder(words(ids)), {1}))); }
  nn::Embedding words;
  nn::TransformerEncoder encoder;
  nn::LayerNorm norm;
  nn::Linear output;
};

Tensor ids_of(std::int64_t seed) {
  Tensor ids = zeros({4, 6}, i64);
  for (std::int64_t i = 0; i < 24; ++i)
    ids.mutable_data<std::int64_t>()[static_cast<std::size_t>(i)] = (seed * 7 + i * i) % 50;
  return ids;
}

Tensor loss_of(Model& model, std::int64_t part) { return mean(square(model.forward(ids_of(part)))); }

template <class Body>
void on_threads(int count, const Body& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& t : threads) t.join();
}

TEST(SharedModel, AnswersFromManyThreads) {
  Rng rng(1);
  Model model(rng);
  model.eval();
  std::vector<std::vector<double>> alone;
  const NoGrad off;
  for (int i = 0; i < 4; ++i) alone.push_back(model.forward(ids_of(i)).values());
  std::atomic<int> wrong = 0;
  on_threads(4, [&](int i) {
    const NoGrad none;
    for (int k = 0; k < 20; ++k) wrong += model.forward(ids_of(i)).values() != alone[static_cast<std::size_t>(i)];
  });
  EXPECT_EQ(wrong, 0);
}

// Data parallelism by hand: grad() of each part, added up in a fixed order, has the bits of one thread.
TEST(SharedModel, GradientsOfPartsHaveTheBitsOfOneThread) {
  Rng rng(1);
  Model model(rng);
  const std::vector<Tensor> parameters = model.parameters();
  const auto gradients = [&](int part) {
    const Tensor loss[] = {loss_of(model, part)};
    std::vector<std::vector<double>> values;
    for (const Tensor& g : grad(loss, parameters)) values.push_back(g.defined() ? g.values() : std::vector<double>());
    return values;
  };
  std::vector<std::vector<std::vector<double>>> alone(4), together(4);
  for (int i = 0; i < 4; ++i) alone[static_cast<std::size_t>(i)] = gradients(i);
  for (int k = 0; k < 10; ++k) {
    on_threads(4, [&](int i) { together[static_cast<std::size_t>(i)] = gradients(i); });
    ASSERT_EQ(together, alone);
  }
}

// Backward passes add up in the model, in whatever order they come: the same sum but for rounding.
TEST(SharedModel, BackwardAddsUpInIt) {
  Rng rng(1);
  Model model(rng);
  for (int i = 0; i < 4; ++i) loss_of(model, i).backward();
  std::vector<Tensor> alone;
  for (Tensor& p : model.parameters()) {
    alone.push_back(p.grad().to_dense());
    p.clear_grad();
  }
  on_threads(4, [&](int i) { loss_of(model, i).backward(); });
  const std::vector<Tensor> parameters = model.parameters();
  for (std::size_t i = 0; i < alone.size(); ++i)
    EXPECT_LT(max(abs(parameters[i].grad().to_dense() - alone[i])).item(), 1e-5) << parameters[i].name();
}

}  // namespace
}  // namespace tapegrad
