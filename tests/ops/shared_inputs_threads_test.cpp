// Every operation, with its gradients, on several threads at once over the same inputs: the bits of one thread.

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradient_check.hpp>
#include <thread>

namespace tapegrad {
namespace {

std::vector<std::vector<double>> run(const Sample& sample, std::span<const Tensor> leaves) {
  std::vector<std::vector<double>> all;
  const Tensor result = testing::in_one(sample.call(leaves));
  all.push_back(result.values());
  if (!result.requires_grad()) return all;
  const Tensor first[] = {sum(square(result))};
  std::vector<Tensor> wanted;
  for (const Tensor& leaf : leaves)
    if (leaf.requires_grad()) wanted.push_back(leaf);
  Tensor total;
  for (const Tensor& g : grad(first, wanted, {}, {.create_graph = true})) {
    if (!g.defined()) continue;
    all.push_back(g.values());
    if (g.requires_grad()) total = total.defined() ? total + sum(square(g)) : sum(square(g));
  }
  if (!total.defined()) return all;
  const Tensor second[] = {total};
  for (const Tensor& g : grad(second, wanted))
    if (g.defined()) all.push_back(g.values());
  return all;
}

bool same_bits(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].size() != b[i].size() ||
        (!a[i].empty() && std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(double)) != 0))
      return false;
  return true;
}

TEST(SharedInputs, EveryOperationGivesTheBitsOfOneThread) {
  Rng rng(7);
  for (const OpEntry* op : all_ops())
    for (const Sample& sample : op->samples(rng)) {
      std::vector<Tensor> leaves;
      for (const Tensor& input : sample.inputs) {
        leaves.push_back(input.clone());
        if (is_floating(input.dtype())) leaves.back().set_requires_grad();
      }
      const auto alone = run(sample, leaves);
      std::atomic<int> wrong = 0;
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
          for (int k = 0; k < 2; ++k) wrong += !same_bits(run(sample, leaves), alone);
        });
      for (std::thread& t : threads) t.join();
      EXPECT_EQ(wrong, 0) << op->info().name;
    }
}

}  // namespace
}  // namespace tapegrad
