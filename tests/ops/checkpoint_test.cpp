#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/sampling.hpp>
#include <tapegrad/ops/transforms.hpp>

namespace tapegrad {
namespace {

using ::testing::HasSubstr;

struct Block {
  explicit Block(std::uint64_t number) {
    Rng rng(number);
    w = parameter(randn({6, 6}, f64, rng), "w");
    b = parameter(randn({6}, f64, rng), "b");
  }
  Tensor operator()(const Tensor& x) const { return dropout(tanh(matmul(x, w) + b), 0.4); }
  Tensor w, b;
};

// Values and gradients of a chain of blocks, each of them a checkpoint or not.
std::vector<std::vector<double>> run(bool saves_memory, bool twice = false) {
  seed(5);
  Rng rng(9);
  Tensor x = parameter(randn({4, 6}, f64, rng), "x");
  const std::vector<Block> blocks{Block(1), Block(2), Block(1)};
  Tensor h = x * 2;
  for (const Block& block : blocks)
    h = saves_memory ? checkpoint([&block](const Tensor& t) { return block(t); }, h) : block(h);
  Tensor loss = sum(square(h));
  if (twice) {
    const Tensor slope = grad(loss, x, {.create_graph = true});
    loss = sum(square(slope));
  }
  loss.backward();
  std::vector<std::vector<double>> found{h.values(), loss.values(), x.grad().values()};
  for (const Block& block : blocks)
    for (const Tensor& p : {block.w, block.b}) found.push_back(p.grad().values());
  found.push_back({default_rng().uniform()});
  return found;
}

TEST(Checkpoint, HasTheSameGradientsBitForBit) { EXPECT_EQ(run(true), run(false)); }

TEST(Checkpoint, HasTheSameSecondDerivatives) {
  const auto expected = run(false, true), found = run(true, true);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    for (std::size_t j = 0; j < found[i].size(); ++j)
      EXPECT_NEAR(found[i][j], expected[i][j], 1e-12 * (1 + std::abs(expected[i][j]))) << i;
  EXPECT_EQ(found.back(), expected.back()) << "the generator stands where it would";
}

TEST(Checkpoint, TakesSeveralInputsAndNests) {
  Rng rng(1);
  Tensor a = parameter(randn({3}, f64, rng), "a"), b = parameter(randn({3}, f64, rng), "b"),
         c = parameter(randn({3}, f64, rng), "c");
  const Tensor ids = tensor({2, 0, 1}, i64);
  const auto inner = [&](const Tensor& x) { return sin(x) * c; };
  const auto plain = [&](const Tensor& x, const Tensor& y, const Tensor&) { return inner(x * y) + x; };
  const auto nested = [&](const Tensor& x, const Tensor& y, const Tensor&) { return checkpoint(inner, x * y) + x; };
  sum(plain(a, b, ids)).backward();
  std::vector<std::vector<double>> expected;
  for (Tensor* t : {&a, &b, &c}) {
    expected.push_back(t->grad().values());
    t->clear_grad();
  }
  sum(checkpoint(nested, {a, b, ids})).backward();
  EXPECT_EQ((std::vector{a.grad().values(), b.grad().values(), c.grad().values()}), expected);
  // A leaf outside and inside at once.
  for (Tensor* t : {&a, &b, &c}) t->clear_grad();
  sum(checkpoint([&](const Tensor& x) { return x * c; }, a) * c).backward();
  const std::vector<double> va = a.values(), vc = c.values();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(c.grad().values()[i], 2 * va[i] * vc[i], 1e-15);
}

TEST(Checkpoint, KeepsOnlyTheInputs) {
  const auto held = [](bool saves_memory) {
    const Tensor x = parameter(ones({1000, 100}), "x");
    const auto f = [](const Tensor& t) { return tanh(tanh(tanh(tanh(tanh(tanh(t)))))); };
    const std::uint64_t before = memory::stats().live_bytes;
    const Tensor y = saves_memory ? checkpoint(f, x) : f(x);
    return memory::stats().live_bytes - before;
  };
  EXPECT_LT(held(true), 2 * 400'000u);
  EXPECT_GT(held(false), 5 * 400'000u);
}

TEST(Checkpoint, RefusesWhatWouldBeWrong) {
  Tensor w = parameter(ones({2}), "w"), x = parameter(ones({2}), "x");
  const Tensor scaled = w * 2;
  try {
    checkpoint([&](const Tensor& t) { return t * scaled; }, x);
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_THAT(error.what(), HasSubstr("a result of mul computed outside of it; pass it as an input"));
  }
  const Tensor y = checkpoint([&](const Tensor& t) { return t * w; }, x);
  w.mutable_data<float>()[0] = 7;
  EXPECT_THROW(sum(y).backward(), GraphError) << "a leaf was changed in between";
  const Tensor z = sum(checkpoint([&](const Tensor& t) { return t * w; }, x));
  z.backward();
  EXPECT_THROW(z.backward(), GraphError);
  const NoGrad no_grad;
  EXPECT_FALSE(checkpoint([&](const Tensor& t) { return t * w; }, x).requires_grad());
}

// Three generators: one of the function's own, one outside of it, the thread's.
Tensor random_block(const Tensor& t, Rng& own) {
  Rng local(3);
  const Tensor kept = dropout(t, 0.5, own);
  const Tensor noise = randn(t.shape(), f64, own) + rand(t.shape(), 0, 1, f64, local);
  Rng copy = own;
  return dropout(kept * noise, 0.3) + bernoulli(t.shape(), 0.5, f64, copy) * t;
}

TEST(Checkpoint, RepeatsWhatIsDrawnFromAnyGenerator) {
  const auto run = [](bool saves_memory, bool nested) {
    seed(2);
    Rng own(7);
    own.next_u32();
    Tensor x = parameter(ones({12}, f64));
    const auto block = [&](const Tensor& t) { return random_block(t, own); };
    // The checkpointed part comes last: x's gradient, a sum in order, is then the same sum.
    const auto outer = [&](const Tensor& t) {
      const Tensor first = block(t), kept = dropout(t, 0.5, own);
      return checkpoint(block, t) * kept + first;
    };
    const auto plain = [&](const Tensor& t) {
      const Tensor first = block(t), kept = dropout(t, 0.5, own);
      return block(t) * kept + first;
    };
    Tensor y =
        nested ? (saves_memory ? checkpoint(outer, x) : plain(x)) : (saves_memory ? checkpoint(block, x) : block(x));
    own.uniform();
    sum(y * y).backward();
    return std::vector{y.values(), x.grad().values(), {own.uniform(), default_rng().uniform()}};
  };
  EXPECT_EQ(run(true, false), run(false, false));
  EXPECT_EQ(run(true, true), run(false, true));
}

TEST(Checkpoint, RefusesAFunctionThatDoesSomethingElseTheSecondTime) {
  Tensor x = parameter(ones({6}), "x");
  int calls = 0;
  Rng own(1);
  const Tensor more = checkpoint(
      [&](const Tensor& t) {
        if (++calls > 1) (void)own.next_u32();
        return dropout(t, 0.5, own);
      },
      x);
  EXPECT_THAT([&] { sum(more).backward(); },
              ::testing::ThrowsMessage<ValueError>(HasSubstr("drew other random numbers")));
  calls = 0;
  const Tensor other = checkpoint([&](const Tensor& t) { return ++calls > 1 ? sum(t) : t * 2; }, x);
  EXPECT_THAT(
      [&] { sum(other).backward(); },
      ::testing::ThrowsMessage<ValueError>(HasSubstr("returned f32 [6], and f32 [] when it was computed again")));
  EXPECT_THROW(checkpoint([](const Tensor&) { return Tensor(); }, x), ValueError);
}

TEST(Checkpoint, RefusesToDifferentiateWhatIsNotItsResult) {
  Tensor x = parameter(ones({2}), "x"), side;
  const Tensor y = checkpoint(
      [&](const Tensor& t) {
        side = t * 3;
        return exp(t);
      },
      x);
  EXPECT_THAT([&] { sum(y + side).backward(); }, ::testing::ThrowsMessage<GraphError>(HasSubstr("is not its result")));
  Tensor z = parameter(ones({2}), "z");
  sum(checkpoint([&](const Tensor& t) { return exp(t); }, z) + side.detach()).backward();
  EXPECT_FLOAT_EQ(static_cast<float>(z.grad().values()[0]), std::exp(1.0F));
}

TEST(Checkpoint, WorksInTransforms) {
  const Tensor x = tensor({0.3, -0.7}, f64);
  const auto f = [](const Tensor& t) { return checkpoint([](const Tensor& u) { return sum(sin(u) * u); }, t); };
  const auto plain = [](const Tensor& t) { return sum(sin(t) * t); };
  const std::vector<double> expected = hessian(plain, x).values(), found = hessian(f, x).values();
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(found[i], expected[i], 1e-14);
  EXPECT_NEAR(jvp(f, x, ones({2}, f64)).tangent.item(), jvp(plain, x, ones({2}, f64)).tangent.item(), 1e-14);
}

}  // namespace
}  // namespace tapegrad
