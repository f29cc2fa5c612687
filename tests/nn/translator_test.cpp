#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/translator.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/optimizer.hpp>

#include "../message_of.hpp"

namespace tapegrad::nn::models {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr std::int32_t kEnd = 0;

/// A language of the tokens 1 … 6 and one in which they stand the other way round.
TEST(Translator, LearnsToReverse) {
  Rng rng(1);
  Translator model({.tokens = 7, .width = 32, .layers = 1, .heads = 2, .dropout = 0, .rng = &rng});
  optim::Optimizer optimizer(model, optim::Adam{.lr = 3e-3});
  for (int step = 0; step < 300; ++step) {
    const std::int64_t length = 2 + step % 3, rows = 32;
    const Tensor lengths = full({rows}, static_cast<double>(length + 1), i64);
    const Tensor words = randint(1, 7, {rows, length}, rng), end = full({rows, 1}, kEnd, i64);
    const Tensor turned = flip(words, {1});
    const Tensor logits = model.forward(concat({words, end}, 1), concat({end, turned}, 1), lengths);
    const Tensor loss = Translator::loss(logits, concat({turned, end}, 1), 0.05);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  }
  model.eval();
  const std::vector<std::int32_t> source{5, 2, 6, 1, kEnd};
  for (const std::int64_t beams : {1, 3}) {
    const std::vector<Hypothesis> found = model.translate(source, kEnd, {.beams = beams, .longest = 8});
    ASSERT_EQ(found.size(), static_cast<std::size_t>(beams));
    EXPECT_THAT(found[0].tokens, ElementsAre(1, 6, 2, 5));
    // As forward() has it, without caches.
    const Tensor logits = model.forward(tensor({5, 2, 6, 1, kEnd}, {1, 5}, i64),
                                        tensor({kEnd, 1, 6, 2, 5}, {1, 5}, i64), tensor({5}, i64));
    const Tensor nats = Translator::loss(logits, tensor({1, 6, 2, 5, kEnd}, {1, 5}, i64));
    EXPECT_NEAR(found[0].log_probability, -5 * nats.item(), 1e-4);
  }
  const Tensor looks = model.attention(source, std::vector<std::int32_t>{kEnd, 1, 6, 2, 5});
  EXPECT_EQ(looks.shape(), (Shape{5, 5}));
  EXPECT_THAT(sum(looks, {1}).values(), Each(DoubleNear(1, 1e-5)));
}

TEST(Translator, DoesNotMindWhatFillsUp) {
  Rng rng(2);
  Translator model({.tokens = 9, .width = 8, .layers = 2, .heads = 2, .rng = &rng});
  model.eval();
  const auto ids = [](std::initializer_list<double> values, const Shape& shape) {
    return cast(reshape(tensor(values), shape), i64);
  };
  const Tensor alone = model.forward(ids({3, 4, 0}, {1, 3}), ids({0, 5}, {1, 2}), ids({3}, {1}));
  const Tensor beside =
      model.forward(ids({3, 4, 0, 7, 7, 1, 2, 3, 4, 0}, {2, 5}), ids({0, 5, 8, 0, 1, 2}, {2, 3}), ids({3, 5}, {2}));
  EXPECT_THAT(slice(select(beside, 0, 0), 0, 0, 2).values(), Pointwise(DoubleNear(1e-5), alone.values()));
  const Tensor filled = ids({5, -1}, {1, 2}), single = ids({5}, {1, 1});
  EXPECT_NEAR(Translator::loss(alone, filled, 0.1).item(), Translator::loss(slice(alone, 1, 0, 1), single, 0.1).item(),
              1e-6)
      << "what is negative does not count";
}

TEST(Translator, SaysWhatIsWrong) {
  EXPECT_THAT(message_of([] { Translator({.tokens = 5, .width = 5}); }), HasSubstr("the width is 5"));
  EXPECT_THAT(message_of([] { Translator({.tokens = 5, .width = 6, .heads = 4}); }), HasSubstr("4 heads"));
  Translator model({.tokens = 5, .width = 4, .heads = 1});
  const Tensor ids = zeros({2, 3}, i64);
  EXPECT_THAT(message_of<ShapeError>([&] {
                model.forward(ids, zeros({1, 3}, i64), zeros({2}, i64));
              }),
              HasSubstr("source [2, 3], target [1, 3]"));
}

}  // namespace
}  // namespace tapegrad::nn::models
