#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Shape, BroadcastsByNumpysRule) {
  EXPECT_EQ(broadcast_shapes("add", {2, 1, 4}, {3, 1}), (Shape{2, 3, 4}));
  EXPECT_EQ(broadcast_shapes("add", {}, {3}), (Shape{3}));
  EXPECT_EQ(broadcast_shapes("add", {4, 0}, {1}), (Shape{4, 0}));
  EXPECT_EQ(broadcast_shapes("add", {4, 1}, {0}), (Shape{4, 0}));
  EXPECT_THAT(
      [] {
        broadcast_shapes("add", {2, 3}, {4, 3});
      },
      ThrowsMessage<ShapeError>(HasSubstr("add: shapes [2, 3] and [4, 3] do not broadcast: axis -2")));
  EXPECT_THROW(broadcast_shapes("add", {0}, {2}), ShapeError);
  EXPECT_TRUE(broadcasts_to({3, 1}, {2, 3, 4}));
  EXPECT_FALSE(broadcasts_to({2, 3}, {3}));
}

TEST(Memory, WhatTheLimitDoesNotGrantIsAnError) {
  memory::set_limit(memory::stats().held_bytes + (1 << 20));
  const auto message = [] {
    try {
      zeros({1 << 20}, f64);
    } catch (const MemoryError& error) {
      return std::string(error.what());
    }
    return std::string();
  }();
  EXPECT_THAT(message, HasSubstr("a tensor of f64 [1048576] needs 8388608 bytes: out of memory"));
  const Tensor small = ones({100});
  EXPECT_THROW(broadcast_to(reshape(small, {100, 1}), {100, 1 << 20}) + 1, MemoryError);
  memory::set_limit(~std::uint64_t{0});
  EXPECT_EQ(zeros({1 << 20}, f64).numel(), 1 << 20);
}

TEST(Shape, RefusesWhatNoTensorCanHave) {
  EXPECT_THROW((Shape{2, -1}), ShapeError);
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  EXPECT_THROW((Shape{std::int64_t{1} << 40, std::int64_t{1} << 40}), ShapeError);
  EXPECT_EQ((Shape{std::int64_t{1} << 40, 0, 5}).numel(), 0);
  EXPECT_THROW(empty({std::int64_t{1} << 61}), ShapeError);
  EXPECT_THROW(empty({std::int64_t{1} << 60}, f64), MemoryError);
  EXPECT_THROW(normalized_axis("sum", std::int64_t{1} << 32, 3), ValueError) << "not cut to 32 bits";
  EXPECT_EQ(normalized_axis("sum", -1, 3), 2);
  EXPECT_THAT([] { normalized_axis("sum", 3, 3); }, ThrowsMessage<ValueError>(HasSubstr("use -3 to 2")));
  EXPECT_THAT([] { normalized_axis("sum", 0, 0); }, ThrowsMessage<ValueError>(HasSubstr("a scalar has no axes")));
}

TEST(Tensor, IsAHandleOfEightBytesThatCopiesShare) {
  static_assert(sizeof(Tensor) == 8);
  Tensor a = zeros({2});
  const Tensor b = a;
  a.fill(3);
  EXPECT_THAT(b.values(), ElementsAre(3, 3));
  EXPECT_TRUE(a.same_as(b));
  Tensor c = std::move(a);
  EXPECT_FALSE(a.defined());  // NOLINT(bugprone-use-after-move)
  const Tensor& itself = c;
  c = itself;
  EXPECT_THAT(c.values(), ElementsAre(3, 3));
}

TEST(Tensor, SaysWhatIsWrongWhenMisread) {
  EXPECT_THAT([] { (void)Tensor().shape(); }, ThrowsMessage<ValueError>(HasSubstr("undefined Tensor")));
  EXPECT_THAT([] { (void)zeros({2}).data<double>(); }, ThrowsMessage<DTypeError>(HasSubstr("f32 [2] was read as f64")));
  EXPECT_THAT(
      [] {
        (void)transpose(zeros({2, 3})).data<float>();
      },
      ThrowsMessage<ShapeError>(HasSubstr("contiguous()")));
  EXPECT_THAT([] { (void)zeros({2}).item(); }, ThrowsMessage<ShapeError>(HasSubstr("has 2 elements, not one")));
  EXPECT_THROW((void)zeros({2}).at({2}), IndexError);
  EXPECT_THROW((void)zeros({2}).at({0, 0}), IndexError);
  EXPECT_THROW(tensor({1, 2, 3}, Shape{2}), ShapeError);
  EXPECT_THROW(zeros({2}, i64).set_requires_grad(), DTypeError);
  EXPECT_THROW((parameter(zeros({2})) * 2).set_requires_grad(false), GraphError);
  EXPECT_THROW(zeros({2}).set_grad(zeros({3})), ShapeError);
  EXPECT_THROW(zeros({2}).copy_from(zeros({3})), ShapeError);
}

TEST(Tensor, PrintsEveryDigitThatMatters) {
  EXPECT_EQ(to_string(tensor({1234567, 16777217, 99}, i64)), "tensor([1234567, 16777217, 99], i64)");
  EXPECT_EQ(to_string(tensor({2147483647, -2147483648.0}, i32)), "tensor([2147483647, -2147483648], i32)");
  Tensor large = zeros({2}, i64);
  large.mutable_data<std::int64_t>()[0] = std::numeric_limits<std::int64_t>::max();
  large.mutable_data<std::int64_t>()[1] = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(to_string(large), "tensor([9223372036854775807, -9223372036854775808], i64)");
  EXPECT_EQ(to_string(tensor({0, 255}, u8)), "tensor([0, 255], u8)");
  EXPECT_EQ(to_string(tensor({NAN, INFINITY, -INFINITY, -0.0}, f64)), "tensor([nan, inf, -inf, -0], f64)");
}

TEST(Tensor, PrintsNumbersThatReadBackTheSame) {
  Rng rng(4);
  const auto read_back = [](const Tensor& t) {
    std::vector<double> values;
    const std::string text = to_string(t);
    for (const char* at = text.c_str() + text.find('[');; ++at) {
      if (*at == '[' || *at == ' ') continue;
      char* end = nullptr;
      values.push_back(t.dtype() == f32 ? std::strtof(at, &end) : std::strtod(at, &end));
      at = end;
      if (*at == ']') return values;
    }
  };
  for (const DType dtype : {f32, f64})
    for (const double scale : {1e-44, 1e-9, 1.0, 1e9, 1e37}) {
      const Tensor t = cast(randn({50}, f64, rng) * scale, dtype);
      EXPECT_EQ(read_back(t), t.values());
    }
}

TEST(Tensor, PrintsItself) {
  EXPECT_EQ(to_string(tensor({1, 2.5, -3, 4}, {2, 2})), "tensor([[1, 2.5],\n        [-3, 4]], f32)");
  EXPECT_EQ(to_string(tensor({1, 0}, boolean)), "tensor([true, false], bool)");
  EXPECT_EQ(to_string(zeros({0, 3})), "tensor([], f32, shape [0, 3])");
  EXPECT_EQ(to_string(Tensor()), "tensor(undefined)");
  EXPECT_EQ(to_string(arange(2000)), "tensor([0, 1, 2, …, 1997, 1998, 1999], i64, shape [2000])");
  Tensor w = parameter(zeros({2}), "w");
  EXPECT_EQ(describe(w), "f32 [2] 'w'");
}

TEST(Tensor, IsMadeFromRanges) {
  EXPECT_THAT(arange(0, 1, 0.25).values(), ElementsAre(0, 0.25, 0.5, 0.75));
  EXPECT_THAT(arange(2, 0, -1).values(), ElementsAre(2, 1));
  EXPECT_EQ(arange(1, 0, 1).numel(), 0);
  EXPECT_THROW(arange(0, 1, 0), ValueError);
  EXPECT_THROW(arange(-1), ValueError);
  EXPECT_THAT(linspace(0, 1, 3).values(), ElementsAre(0, 0.5, 1));
  EXPECT_THAT(linspace(5, 9, 1).values(), ElementsAre(5));
  EXPECT_THAT(eye(2).values(), ElementsAre(1, 0, 0, 1));
}

TEST(View, SharesItsBase) {
  Tensor base = arange(6, f64);
  Tensor grid = reshape(base, {2, 3});
  Tensor flipped = transpose(grid);
  Tensor row = select(grid, 0, 1), odd = slice(base, 0, 1, Slice::kEnd, 2), wide = broadcast_to(row, {4, 3});
  base.mutable_data<double>()[4] = 40;
  EXPECT_EQ(grid.at({1, 1}), 40);
  EXPECT_EQ(flipped.at({1, 1}), 40);
  EXPECT_THAT(row.values(), ElementsAre(3, 40, 5));
  EXPECT_THAT(odd.values(), ElementsAre(1, 3, 5));
  EXPECT_EQ(wide.at({3, 1}), 40);
  EXPECT_EQ(wide.strides()[0], 0);
  row.mutable_data<double>()[0] = 30;
  EXPECT_EQ(base.at({3}), 30);
  EXPECT_FALSE(flipped.is_contiguous());
  EXPECT_TRUE(row.is_contiguous());
  EXPECT_EQ(flipped.version(), base.version()) << "a change through one view is a change of all";
}

TEST(View, IsCopiedOnRequestOnly) {
  Tensor base = arange(6, f64);
  const Tensor t = transpose(reshape(base, {2, 3}));
  const Tensor dense = t.contiguous(), copy = base.clone(), same = base.contiguous();
  base.fill(7);
  EXPECT_THAT(dense.values(), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_EQ(copy.at({5}), 5);
  EXPECT_TRUE(same.same_as(base));
}

TEST(Wrap, UsesTheCallersMemory) {
  std::vector<double> numbers{1, 2, 3, 4, 5, 6};
  Tensor t = wrap(std::span(numbers), {2, 3});
  EXPECT_EQ(t.data<double>().data(), numbers.data());
  numbers[5] = 60;
  EXPECT_EQ(t.at({1, 2}), 60);
  t.mutable_data<double>()[0] = 10;
  EXPECT_EQ(numbers[0], 10);
  const Tensor copy = copy_of(numbers);
  numbers[1] = 20;
  EXPECT_EQ(copy.at({1}), 2);
  EXPECT_THROW(wrap(std::span(numbers), {7}), ShapeError);
}

TEST(Wrap, LetsGoOfMemoryThatLiesBesideItsHeader) {
  // The header comes to lie where a block of its size was freed last. With the wrapped memory just above, the two look
  // like a buffer of the pool's.
  const auto place = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p); };
  constexpr std::size_t kNumbers = 128, kReach = 64;
  for (std::size_t size = 24; size <= 128; size += 8) {
    const auto owner = std::make_shared<int>(0);
    std::vector<std::unique_ptr<std::byte[]>> blocks;
    std::vector<std::unique_ptr<double[]>> numbers;
    do {
      blocks.push_back(std::make_unique<std::byte[]>(size));
      numbers.push_back(std::make_unique<double[]>(kNumbers + kReach / 8));
    } while (blocks.size() < 100 && place(numbers.back().get()) - place(blocks.back().get()) > kReach);
    blocks.back().reset();
    for (std::size_t at = 0; at <= kReach / 8; ++at)
      wrap(std::span(numbers.back().get() + at, kNumbers), {kNumbers}, owner);
    EXPECT_EQ(owner.use_count(), 1) << "blocks of " << size << " bytes";
  }
}

TEST(Wrap, KeepsItsOwnerAlive) {
  auto owner = std::make_shared<std::vector<float>>(3, 2.5f);
  const std::weak_ptr<std::vector<float>> watch = owner;
  Tensor t = wrap(std::span(*owner), {3}, owner);
  const Tensor view = slice(t, 0, 1);
  owner.reset();
  t = Tensor();
  EXPECT_FALSE(watch.expired());
  EXPECT_THAT(view.values(), ElementsAre(2.5, 2.5));
  const Tensor gone = std::move(const_cast<Tensor&>(view));
  { const Tensor last = std::move(const_cast<Tensor&>(gone)); }
  EXPECT_TRUE(watch.expired());
}

TEST(Tensor, FloatsBecomeTheNearestIntegersInRange) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = tensor({-1.5, 1.5, 255.5, 256.0, inf, -inf, nan}, f64);
  EXPECT_EQ(cast(x, u8).values(), (std::vector<double>{0, 1, 255, 255, 255, 0, 0}));
  EXPECT_EQ(cast(x, i32).values(), (std::vector<double>{-1, 1, 255, 256, 2147483647, -2147483648.0, 0}));
  const Tensor far = cast(tensor({9.3e18, -9.3e18}, f32), i64);
  EXPECT_EQ(far.data<std::int64_t>()[0], std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(far.data<std::int64_t>()[1], std::numeric_limits<std::int64_t>::min());
}

}  // namespace
}  // namespace tapegrad
