#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>

#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

using ::testing::ElementsAre;

using Words = std::array<std::uint32_t, 4>;

/// Philox4x32-10 with its whole counter, as the paper states it.
Words philox(Words counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xD2511F53ull * counter[0], b = 0xCD9E8D57ull * counter[2];
    const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
    const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
    counter = {high(b) ^ counter[1] ^ key[0], low(b), high(a) ^ counter[3] ^ key[1], low(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

TEST(Philox, GivesTheKnownAnswers) {
  // The three vectors published with the Random123 library.
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t f = 0xffffffff;
  EXPECT_EQ(philox({f, f, f, f}, {f, f}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
  Rng rng(0);
  EXPECT_THAT((std::array{rng(), rng(), rng(), rng()}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
}

TEST(Philox, CountsBlocksAndKeysWithTheSeed) {
  const std::uint64_t seed = 0x299f31d0a4093822ull, block = 0x85a308d3243f6a88ull >> 2;
  Rng rng(Rng::State{seed, block * 4 + 1});
  const Words words = philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0},
                             {0xa4093822, 0x299f31d0});
  EXPECT_EQ(rng(), words[1]);
  EXPECT_EQ(rng(), words[2]);
  EXPECT_EQ(rng.state().position, block * 4 + 3);
}

TEST(Rng, ContinuesFromASavedState) {
  Rng rng(5);
  for (int i = 0; i < 7; ++i) rng();
  Rng copy(rng.state());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(copy.uniform(), rng.uniform());
  EXPECT_EQ(copy.state(), rng.state());
}

TEST(Rng, DrawsUniformlyBelow) {
  Rng rng(3);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60000; ++i) ++counts[rng.below(6)];
  for (const int c : counts) EXPECT_NEAR(c, 10000, 400);
  EXPECT_EQ(rng.below(1), 0u);
}

TEST(Rng, DrawsNormally) {
  Rng rng(3);
  const Tensor x = randn({100000}, f64, rng);
  const auto v = x.values();
  const double mean_of = std::accumulate(v.begin(), v.end(), 0.0) / 1e5;
  const double square_of = std::inner_product(v.begin(), v.end(), v.begin(), 0.0) / 1e5;
  EXPECT_NEAR(mean_of, 0, 0.02);
  EXPECT_NEAR(square_of, 1, 0.02);
  EXPECT_NEAR(static_cast<double>(std::count_if(v.begin(), v.end(), [](double e) { return std::abs(e) > 2; })) / 1e5,
              0.0455, 0.003);
}

TEST(Rng, DependsOnTheSeedAlone) {
  seed(42);
  const auto here = randn({8}).values();
  std::vector<double> there;
  std::thread([&] {
    seed(42);
    there = randn({8}).values();
  }).join();
  EXPECT_EQ(there, here);
  const int threads = num_threads();
  set_num_threads(threads == 1 ? 2 : 1);
  seed(42);
  EXPECT_EQ(randn({8}).values(), here);
  set_num_threads(threads);
  seed(43);
  EXPECT_NE(randn({8}).values(), here);
}

TEST(Rng, FillsTensors) {
  Rng rng(1);
  const auto uniform = rand({1000}, -2, 3, f64, rng).values();
  EXPECT_GE(*std::min_element(uniform.begin(), uniform.end()), -2);
  EXPECT_LT(*std::max_element(uniform.begin(), uniform.end()), 3);
  auto order = randperm(100, rng).values();
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, arange(100).values());
  const auto whole = randint(-3, 3, {1000}, rng).values();
  EXPECT_EQ(*std::min_element(whole.begin(), whole.end()), -3);
  EXPECT_EQ(*std::max_element(whole.begin(), whole.end()), 2);
  EXPECT_THROW(randint(3, 3, {1}, rng), ValueError);
  EXPECT_THROW(randn({1}, i64, rng), DTypeError);
}

}  // namespace
}  // namespace tapegrad
