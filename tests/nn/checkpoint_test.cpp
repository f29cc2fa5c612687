// checkpoint() around layers that have state.

#include <gmock/gmock.h>

#include <tapegrad/tapegrad.hpp>

namespace tapegrad::nn {
namespace {

using Numbers = std::vector<std::vector<double>>;

TEST(Checkpoint, MovesRunningStatisticsOnce) {
  const auto step = [](bool saves_memory, bool create_graph) {
    BatchNorm norm(2, {.dtype = f64});
    Tensor x = parameter(tensor({1, 2, 3, 4, 5, 6}, {3, 2}, f64));
    const auto f = [&](const Tensor& t) { return norm(norm(t) * t); };
    const Tensor y = sum(square(saves_memory ? checkpoint(f, x) : f(x)));
    const Tensor slope = grad(y, x, {.create_graph = create_graph});
    if (create_graph) sum(slope * slope).backward();
    return Numbers{Tensor(norm.running_mean).values(), Tensor(norm.running_var).values(), slope.values()};
  };
  for (const bool create_graph : {false, true}) {
    const Numbers plain = step(false, create_graph), again = step(true, create_graph);
    EXPECT_EQ(again[0], plain[0]);
    EXPECT_EQ(again[1], plain[1]);
    for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(again[2][i], plain[2][i], 1e-12);
  }
}

TEST(Checkpoint, FillsACacheOnce) {
  const auto step = [](bool saves_memory) {
    Rng rng(3);
    MultiHeadAttention attention(8, 2, {.dtype = f64, .rng = &rng});
    KeyValueCache cache;
    Tensor x = parameter(randn({1, 3, 8}, f64, rng));
    // Two calls: the second looks at what the first has left.
    const auto f = [&](const Tensor& t) {
      const Tensor first = attention(t, AttentionCall{.cache = &cache});
      return attention(first + t, AttentionCall{.cache = &cache});
    };
    const Tensor y = saves_memory ? checkpoint(f, x) : f(x);
    sum(square(y)).backward();
    return Numbers{
        {static_cast<double>(cache.length())}, y.values(), x.grad().values(), attention.key.weight.grad().values()};
  };
  const Numbers plain = step(false), again = step(true);
  EXPECT_EQ(plain[0][0], 6);
  EXPECT_EQ(again, plain);
}

TEST(Checkpoint, RefusesAGradientThroughACacheThatWasFilledInside) {
  MultiHeadAttention attention(4, 1);
  KeyValueCache cache;
  Tensor x = parameter(randn({1, 2, 4}));
  (void)checkpoint([&](const Tensor& t) { return attention(t, AttentionCall{.cache = &cache}); }, x);
  const Tensor later = attention(x.detach(), AttentionCall{.cache = &cache});
  EXPECT_THROW(sum(later).backward(), GraphError) << "the way back to x ends inside";
}

}  // namespace
}  // namespace tapegrad::nn
