#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tapegrad/core/record.hpp>
#include <tapegrad/tapegrad.hpp>

namespace tapegrad {
namespace {

using ::testing::ElementsAre;

Tensor ramp(const Shape& shape) { return reshape(arange(shape.numel(), f64), shape); }

bool shares_buffer(const Tensor& a, const Tensor& b) {
  return engine::node_of(a).storage == engine::node_of(b).storage;
}

TEST(Split, GivesViewsThatCoverTheAxis) {
  const Tensor x = ramp({5, 2});
  const auto parts = split(x, 2);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_TRUE(shares_buffer(parts[1], x));
  EXPECT_THAT(parts[2].values(), ElementsAre(8, 9));
  EXPECT_EQ(concat(parts).values(), x.values());
  EXPECT_EQ(split(x, {0, 1, 4})[2].shape(), (Shape{4, 2}));
  EXPECT_EQ(split(zeros({0, 2}), 3).size(), 1u);
}

TEST(Split, RefusesSizesThatDoNotFit) {
  EXPECT_THROW(split(zeros({5}), {2, 2}), ShapeError);
  EXPECT_THROW(split(zeros({5}), {6, -1}), ValueError);
  EXPECT_THROW(split(zeros({5}), 0), ValueError);
  EXPECT_THROW(chunk(zeros({5}), 0), ValueError);
}

TEST(Chunk, LastOneMayBeSmaller) {
  const auto parts = chunk(ramp({7}), 3);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].numel(), 3);
  EXPECT_EQ(parts[2].numel(), 1);
}

TEST(Flip, IsAView) {
  const Tensor x = ramp({2, 3});
  EXPECT_TRUE(shares_buffer(flip(x), x));
  EXPECT_THAT(flip(x).values(), ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_THAT(flip(x, {-1}).values(), ElementsAre(2, 1, 0, 5, 4, 3));
}

TEST(Flip, OfNoAxesFlipsNone) {
  const Tensor x = ramp({2, 3});
  EXPECT_EQ(flip(x, {}).values(), x.values());
  EXPECT_EQ(flip(scalar(4)).item(), 4);
  EXPECT_THROW(flip(x, {1, -1}), ValueError);
}

TEST(Rot90, TurnsFromTheFirstAxisTowardsTheSecond) {
  const Tensor x = tensor({1, 2, 3, 4}, {2, 2}, f64);
  EXPECT_THAT(rot90(x).values(), ElementsAre(2, 4, 1, 3));
  EXPECT_THAT(rot90(x, 2).values(), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(rot90(x, -1).values(), ElementsAre(3, 1, 4, 2));
  EXPECT_THAT(rot90(x, 3).values(), ElementsAre(3, 1, 4, 2));
  EXPECT_TRUE(shares_buffer(rot90(x, 4), x));
  EXPECT_EQ(rot90(ramp({2, 3, 4}), 1, 1, 2).shape(), (Shape{2, 4, 3}));
  EXPECT_EQ(rot90(rot90(ramp({2, 3}), 5, -1, 0), 3, 1, 0).values(), ramp({2, 3}).values());
  EXPECT_THROW(rot90(x, 1, 1, -1), ValueError);
  const Tensor p = parameter(x);
  rot90(p).backward(x);
  EXPECT_THAT(p.grad().values(), ElementsAre(3, 1, 4, 2));
}

TEST(MoveDim, KeepsTheOrderOfTheOthers) {
  const Tensor x = ramp({2, 3, 4, 5});
  EXPECT_EQ(movedim(x, 0, -1).shape(), (Shape{3, 4, 5, 2}));
  EXPECT_EQ(movedim(x, {0, 1}, {-1, -2}).shape(), (Shape{4, 5, 3, 2}));
  EXPECT_EQ(movedim(x, {3, 0}, {0, 2}).shape(), (Shape{5, 3, 2, 4}));
  EXPECT_EQ(movedim(x, 2, 1).values(), permute(x, {0, 2, 1, 3}).values());
  EXPECT_TRUE(shares_buffer(movedim(x, {}, {}), x));
  EXPECT_THROW(movedim(x, {0, 1}, {0}), ValueError);
  EXPECT_THROW(movedim(x, {0, -4}, {0, 1}), ValueError);
  EXPECT_THROW(movedim(x, {0, 1}, {2, 2}), ValueError);
  EXPECT_THROW(movedim(x, 4, 0), ValueError);
}

TEST(Unbind, GivesAViewOfEachPosition) {
  const Tensor x = parameter(ramp({2, 3}));
  const auto columns = unbind(x, -1);
  ASSERT_EQ(columns.size(), 3u);
  EXPECT_TRUE(shares_buffer(columns[1], x));
  EXPECT_THAT(columns[1].values(), ElementsAre(1, 4));
  EXPECT_THAT(grad(sum(columns[2] * columns[0]), x).values(), ElementsAre(2, 0, 0, 5, 0, 3));
  EXPECT_TRUE(unbind(zeros({0, 2})).empty());
  EXPECT_THROW(unbind(scalar(1)), ValueError);
}

TEST(Join, HorizontallyVerticallyAndInDepth) {
  const Tensor a = tensor({1, 2}, f64), b = tensor({3, 4}, f64);
  EXPECT_THAT(hstack({a, b}).values(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(hstack({scalar(1), scalar(2)}).shape(), (Shape{2}));
  EXPECT_THAT(hstack({unsqueeze(a, 1), unsqueeze(b, 1)}).values(), ElementsAre(1, 3, 2, 4));
  EXPECT_EQ(vstack({a, b, ramp({3, 2})}).shape(), (Shape{5, 2}));
  EXPECT_EQ(vstack({scalar(1), scalar(2)}).shape(), (Shape{2, 1}));
  EXPECT_EQ(dstack({a, b}).shape(), (Shape{1, 2, 2}));
  EXPECT_THAT(dstack({a, b}).values(), ElementsAre(1, 3, 2, 4));
  EXPECT_EQ(dstack({ramp({3, 2}), ramp({3, 2, 4})}).shape(), (Shape{3, 2, 5}));
  EXPECT_EQ(dstack({scalar(1)}).shape(), (Shape{1, 1, 1}));
  EXPECT_THROW(hstack({a, ramp({2, 2})}), ShapeError);
  EXPECT_THROW(vstack(std::vector<Tensor>{}), Error);
  const Tensor p = parameter(a);
  EXPECT_THAT(grad(sum(vstack({p, p}) * ramp({2, 2})), p).values(), ElementsAre(2, 4));
}

TEST(Tile, RepeatsAxesSideBySide) {
  EXPECT_THAT(tile(tensor({1, 2}), {3}).values(), ElementsAre(1, 2, 1, 2, 1, 2));
  const Tensor y = tile(tensor({1, 2}, Shape{2, 1}), {2, 1, 2});
  EXPECT_EQ(y.shape(), (Shape{2, 2, 2}));
  EXPECT_THAT(y.values(), ElementsAre(1, 1, 2, 2, 1, 1, 2, 2));
  EXPECT_EQ(tile(zeros({2, 3}), {0}).shape(), (Shape{2, 0}));
  EXPECT_EQ(tile(zeros({1, 1, 1, 1, 1, 1, 1, 2}), {2}).shape(), (Shape{1, 1, 1, 1, 1, 1, 1, 4}));
  EXPECT_THROW(tile(zeros({2}), {-1}), ValueError);
}

TEST(Tile, GradientSumsTheCopies) {
  const Tensor x = parameter(tensor({1, 2}, f64));
  tile(x, {2, 2}).backward(ramp({2, 4}));
  EXPECT_THAT(x.grad().values(), ElementsAre(0 + 2 + 4 + 6, 1 + 3 + 5 + 7));
}

TEST(Repeat, RepeatsEachPosition) {
  const Tensor x = ramp({2, 2});
  EXPECT_THAT(repeat(x, 2, 0).values(), ElementsAre(0, 1, 0, 1, 2, 3, 2, 3));
  EXPECT_THAT(repeat(x, 2, 1).values(), ElementsAre(0, 0, 1, 1, 2, 2, 3, 3));
  EXPECT_EQ(repeat(x, 0, 1).shape(), (Shape{2, 0}));
  EXPECT_THROW(repeat(x, -1, 0), ValueError);
}

TEST(Expand, KeepsExtentsGivenAsMinusOne) {
  const Tensor x = ramp({3, 1});
  const Tensor y = expand(x, {2, -1, 4});
  EXPECT_EQ(y.shape(), (Shape{2, 3, 4}));
  EXPECT_TRUE(shares_buffer(x, y));
  EXPECT_THROW(expand(x, {-1, 3, 4}), ShapeError);
  EXPECT_THROW(expand(x, {4, 4}), ShapeError);
}

TEST(Meshgrid, GivesViewsOfTheGrid) {
  const auto grid = meshgrid({tensor({1, 2}), tensor({3, 4, 5})});
  EXPECT_THAT(grid[0].values(), ElementsAre(1, 1, 1, 2, 2, 2));
  EXPECT_THAT(grid[1].values(), ElementsAre(3, 4, 5, 3, 4, 5));
  EXPECT_THROW(meshgrid({zeros({2, 2})}), ShapeError);
}

TEST(Pad, ModesFillTheEdges) {
  const Tensor x = tensor({1, 2, 3});
  EXPECT_THAT(pad(x, {{1, 2}}).values(), ElementsAre(0, 1, 2, 3, 0, 0));
  EXPECT_THAT(pad(x, {{2, 2}}, PadMode::reflect).values(), ElementsAre(3, 2, 1, 2, 3, 2, 1));
  EXPECT_THAT(pad(x, {{2, 1}}, PadMode::replicate).values(), ElementsAre(1, 1, 1, 2, 3, 3));
  EXPECT_THAT(pad(x, {{2, 3}}, PadMode::circular).values(), ElementsAre(2, 3, 1, 2, 3, 1, 2, 3));
  EXPECT_THAT(pad(x, {{-1, 1}}, PadMode::constant, 9).values(), ElementsAre(2, 3, 9));
  EXPECT_THAT(pad(x, {{-1, -1}}).values(), ElementsAre(2));
  EXPECT_TRUE(pad(x, {{0, 0}}).same_as(x));
  EXPECT_EQ(pad(zeros({1, 2, 3}), {{1, 1}, {0, 1}}).shape(), (Shape{1, 4, 4}));
}

TEST(Pad, ReflectedElementsShareTheGradient) {
  const Tensor x = parameter(tensor({1, 2, 3}, f64));
  pad(x, {{2, 1}}, PadMode::reflect).backward(tensor({1, 10, 100, 1000, 10000, 100000}, f64));
  EXPECT_THAT(x.grad().values(), ElementsAre(100, 101010, 10001));
}

TEST(Pad, RefusesWhatHasNoSource) {
  EXPECT_THROW(pad(zeros({3}), {{3, 0}}, PadMode::reflect), ShapeError);
  EXPECT_THROW(pad(zeros({0}), {{1, 0}}, PadMode::replicate), ShapeError);
  EXPECT_THROW(pad(zeros({3}), {{4, 0}}, PadMode::circular), ShapeError);
  EXPECT_THROW(pad(zeros({3}), {{-2, -2}}), ShapeError);
  EXPECT_THROW(pad(zeros({3}), {{1, 1}, {1, 1}}), ValueError);
}

TEST(Triangle, DropsNaN) {
  const Tensor x = tensor({1, NAN, 3, 4}, Shape{2, 2});
  EXPECT_THAT(tril(x).values(), ElementsAre(1, 0, 3, 4));
  EXPECT_THAT(triu(ramp({3, 3}), -1).values(), ElementsAre(0, 1, 2, 3, 4, 5, 0, 7, 8));
  EXPECT_THAT(tril(ramp({2, 2}), -9).values(), ElementsAre(0, 0, 0, 0));
}

TEST(Diagonal, IsAViewAndBack) {
  const Tensor x = ramp({3, 3});
  EXPECT_TRUE(shares_buffer(diagonal(x), x));
  EXPECT_THAT(diagonal(x, -1).values(), ElementsAre(3, 7));
  EXPECT_THAT(diag(tensor({5, 6}), 1).values(), ElementsAre(0, 5, 0, 0, 0, 6, 0, 0, 0));
  EXPECT_THAT(diag(x).values(), ElementsAre(0, 4, 8));
  EXPECT_THAT(diag_embed(ramp({2, 2})).values(), ElementsAre(0, 0, 0, 1, 2, 0, 0, 3));
  EXPECT_EQ(trace(x).item(), 12);
  EXPECT_THROW(diag(zeros({2, 2, 2})), ShapeError);
  EXPECT_THROW(diag_embed(scalar(1)), ShapeError);
}

}  // namespace
}  // namespace tapegrad
