// Tensors from what programs have in hand.

#include <gmock/gmock.h>

#include <cstdint>
#include <sstream>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/tapegrad.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Create, NestedBracesAreTheAxes) {
  const Tensor m = tensor({{1, 2, 3}, {4, 5, 6}}, f64);
  EXPECT_EQ(m.shape(), (Shape{2, 3}));
  EXPECT_EQ(m.dtype(), f64);
  EXPECT_THAT(m.values(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(tensor({{{1}, {2}}, {{3}, {4}}}).shape(), (Shape{2, 2, 1}));
  EXPECT_EQ(tensor({{{1}, {2}}, {{3}, {4}}}).at({1, 0, 0}), 3);
}

// {1} is also how C++ writes the number 1.
TEST(Create, ARowOfOneNumberIsARow) {
  EXPECT_EQ(tensor({{1}, {2}}).shape(), (Shape{2, 1}));
  EXPECT_EQ(tensor({{1, 2}}).shape(), (Shape{1, 2}));
  EXPECT_EQ(tensor({{1}}).shape(), (Shape{1, 1}));
  EXPECT_EQ(tensor({1}).shape(), (Shape{1}));
  EXPECT_EQ(tensor({}).shape(), (Shape{0}));
  EXPECT_EQ(tensor({{}, {}}).shape(), (Shape{2, 0}));
  EXPECT_EQ(tensor(1.5).shape(), (Shape{}));
}

TEST(Create, ARowOfAnotherLengthIsNamed) {
  EXPECT_THAT(message_of<ShapeError>([] {
                tensor({{1, 2}, {3}});
              }),
              AllOf(HasSubstr("number 1"), HasSubstr("[1]"), HasSubstr("[2]")));
  EXPECT_THROW(tensor({{1, 2}, 3}), ShapeError);
  EXPECT_THAT(message_of<ShapeError>([] { tensor({{1, 2}, {3, 4}}, {4}); }), HasSubstr("leave the shape out"));
}

TEST(Create, TakesVectors) {
  const std::vector<double> numbers{1, 2, 3, 4};
  EXPECT_EQ(tensor(numbers).dtype(), f64);
  EXPECT_EQ(tensor(numbers, f32).dtype(), f32);
  EXPECT_THAT(tensor(std::vector<std::int64_t>{7, 8}, f32).values(), ElementsAre(7, 8));
  EXPECT_EQ(copy_of(numbers, {2, 2}).at({1, 0}), 3);
  EXPECT_THAT(message_of<ShapeError>([&] { copy_of(numbers, {3}); }), HasSubstr("[3]"));
  const Tensor flags = tensor(std::vector<bool>{true, false});
  EXPECT_EQ(flags.dtype(), boolean);
  EXPECT_THAT(flags.values(), ElementsAre(1, 0));
  const std::vector<std::int64_t> extents{2, 3};
  EXPECT_EQ(zeros(extents).shape(), (Shape{2, 3}));
}

TEST(Create, ShapesPrint) {
  std::ostringstream text;
  text << zeros({2, 3}).shape();
  EXPECT_EQ(text.str(), "[2, 3]");
}

TEST(Wrap, LeavesConstMemoryAlone) {
  const std::vector<float> numbers{1, 2, 3};
  Tensor t = wrap(std::span(numbers), {3});
  EXPECT_EQ(t.data<float>().data(), numbers.data());
  EXPECT_EQ(sum(t).item(), 6);
  const auto wants_clone = AllOf(HasSubstr("const"), HasSubstr("clone()"));
  EXPECT_THAT(message_of<ValueError>([&] { t.fill(0); }), wants_clone);
  EXPECT_THAT(message_of<ValueError>([&] { t.mutable_data<float>(); }), wants_clone);
  EXPECT_THAT(message_of<ValueError>([&] { t.copy_from(ones({3})); }), wants_clone);
  EXPECT_THAT(message_of<ValueError>([&] { t += 1; }), wants_clone);
  EXPECT_THAT(message_of<ValueError>([&] { elements(t, 0) = 5; }), wants_clone);
  Tensor element = t[1];
  EXPECT_THAT(message_of<ValueError>([&] { element.fill(0); }), wants_clone);
  EXPECT_THAT(numbers, ElementsAre(1, 2, 3));
  Tensor copy = t.clone();
  copy.fill(0);
}

// The engine adds into gradients that it holds alone; a hook may return one on memory of the program's.
TEST(Wrap, IsNotAddedIntoByTheBackwardPass) {
  const std::vector<float> given{5, 5};
  Tensor x = parameter(ones({2}));
  Tensor a = x * 1, b = x * 1;
  for (Tensor* t : {&a, &b}) t->register_hook([&](const Tensor&) { return wrap(std::span(given), {2}); });
  sum(a + b).backward();
  EXPECT_THAT(given, ElementsAre(5, 5));
  EXPECT_THAT(x.grad().values(), ElementsAre(10, 10));
}

TEST(Memory, DataIsOnACacheLineAtAnySize) {
  for (std::int64_t n = 0; n < 700; ++n)
    for (const DType dtype : {u8, f32, f64}) {
      std::vector<Tensor> several;
      for (int i = 0; i < 3; ++i) several.push_back(empty({n}, dtype));
      for (const Tensor& t : several)
        dispatch(dtype, [&]<class T>() {
          EXPECT_EQ(reinterpret_cast<std::uintptr_t>(t.data<T>().data()) % 64, 0U) << n << " of " << name_of(dtype);
        });
    }
}

TEST(Memory, ASmallTensorTakesOneCacheLine) {
  const std::uint64_t before = memory::stats().live_bytes;
  const Tensor first = scalar(1);
  const std::uint64_t with_node = memory::stats().live_bytes - before;
  const Tensor second = full({10}, 1);
  EXPECT_EQ(memory::stats().live_bytes - before, 2 * with_node);
}

TEST(Grad, OfSeveralInputs) {
  const Tensor a = parameter(tensor({1, 2})), b = parameter(tensor({3, 4})), unused = parameter(ones({2}));
  const std::vector<Tensor> g = grad(sum(a * b), {a, b, unused});
  ASSERT_EQ(g.size(), 3U);
  EXPECT_THAT(g[0].values(), ElementsAre(3, 4));
  EXPECT_THAT(g[1].values(), ElementsAre(1, 2));
  EXPECT_THAT(g[2].values(), ElementsAre(0, 0));
  nn::Linear model(2, 1);
  EXPECT_EQ(grad(sum(model(ones({1, 2}))), model.parameters()).size(), 2U);
}

}  // namespace
}  // namespace tapegrad
