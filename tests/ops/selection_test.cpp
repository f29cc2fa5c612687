#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <tapegrad/core/record.hpp>
#include <tapegrad/tapegrad.hpp>

#include "../message_of.hpp"

namespace tapegrad {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor ramp(const Shape& shape) { return reshape(arange(shape.numel(), f64), shape); }
Tensor ids(std::initializer_list<double> values) { return tensor(values, i64); }

TEST(At, BasicIndicesGiveAView) {
  const Tensor x = ramp({2, 3, 4});
  const Tensor y = at(x, 1, Slice{0, 3, 2}, newaxis);
  EXPECT_EQ(y.shape(), (Shape{2, 1, 4}));
  EXPECT_EQ(engine::node_of(y).storage, engine::node_of(x).storage);
  EXPECT_THAT(y.values(), ElementsAre(12, 13, 14, 15, 20, 21, 22, 23));
  EXPECT_THAT(at(x, ellipsis, -1).values(), ElementsAre(3, 7, 11, 15, 19, 23));
  EXPECT_EQ(at(x, newaxis, ellipsis, newaxis).shape(), (Shape{1, 2, 3, 4, 1}));
  EXPECT_EQ(at(x, 0, 1, 2).item(), 6);
  EXPECT_EQ(at(x, Slice{}, Slice{5}).shape(), (Shape{2, 0, 4}));
}

TEST(At, BracketsReadTheFirstAxis) {
  const Tensor x = parameter(ramp({2, 3}));
  EXPECT_THAT(x[-1].values(), ElementsAre(3, 4, 5));
  EXPECT_EQ(x[1][2].item(), 5);
  sum(x[0]).backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(1, 1, 1, 0, 0, 0));
}

TEST(At, TensorsOfIndicesFollowNumPy) {
  const Tensor x = ramp({2, 3, 4});
  EXPECT_THAT(at(x, 0, ids({2, 0}), 1).values(), ElementsAre(9, 1));
  // Several broadcast together, in the place of the first.
  const Tensor together = at(x, Slice{}, tensor({0, 2}, Shape{2, 1}, i64), ids({1, 3, -1}));
  EXPECT_EQ(together.shape(), (Shape{2, 2, 3}));
  EXPECT_THAT(together[1].values(), ElementsAre(13, 15, 15, 21, 23, 23));
  // Apart from each other, they go in front.
  const Tensor apart = at(x, ids({0, 1, 1}), Slice{}, ids({3, 0, 1}));
  EXPECT_EQ(apart.shape(), (Shape{3, 3}));
  EXPECT_THAT(apart.values(), ElementsAre(3, 7, 11, 12, 16, 20, 13, 17, 21));
}

TEST(At, MasksCoverAsManyAxesAsTheyHave) {
  const Tensor x = ramp({2, 3, 2});
  const Tensor mask = tensor({1, 0, 0, 0, 1, 0}, Shape{2, 3}, boolean);
  EXPECT_THAT(at(x, mask).values(), ElementsAre(0, 1, 8, 9));
  EXPECT_THAT(at(x, mask, 1).values(), ElementsAre(1, 9));
  EXPECT_EQ(at(x, 0, tensor({0, 0, 0}, boolean)).shape(), (Shape{0, 2}));
  EXPECT_THAT(message_of<ShapeError>([&] {
                at(x, tensor({1, 1, 0}, boolean));
              }),
              HasSubstr("the mask given as index 0 is [3], its axes of x are [2]"));
}

TEST(At, GradientsReachTheElementsRead) {
  const Tensor x = parameter(ramp({2, 3}));
  at(x, ids({0, 1, 0}), ids({2, 0, 2})).backward(tensor({1, 10, 100}, f64));
  EXPECT_THAT(x.grad().values(), ElementsAre(0, 0, 101, 10, 0, 0));
}

TEST(At, NamesWhatIsWrong) {
  const Tensor x = ramp({2, 3});
  EXPECT_THAT(message_of<IndexError>([&] { at(x, 0, 3); }),
              HasSubstr("at: index 1 is 3; expected a position in [-3, 3), x is [2, 3]"));
  EXPECT_THAT(message_of<IndexError>([&] { at(x, Slice{}, ids({0, -4})); }), HasSubstr("at: index 1[1] is -4"));
  EXPECT_THAT(message_of<ValueError>([&] { at(x, 0, 0, 0); }), HasSubstr("indices for 3 axes, x is [2, 3]"));
  EXPECT_THAT(message_of<ValueError>([&] { at(x, ellipsis, ellipsis); }), HasSubstr("more than one ellipsis"));
  EXPECT_THROW(at(x, zeros({1})), DTypeError);
  EXPECT_THROW(scalar(1)[0], ValueError);
}

TEST(At, ViewsCanBeWrittenThrough) {
  Tensor x = zeros({2, 3});
  at(x, Slice{}, 1).fill(5);
  at(x, 1).copy_from(tensor({7, 8, 9}, i64));
  at(x, ellipsis, Slice{0, 1}).copy_from(scalar(1));
  EXPECT_THAT(x.values(), ElementsAre(1, 5, 0, 1, 8, 9));
  Tensor y = ramp({5});
  at(y, Slice{1}).copy_from(at(y, Slice{0, 4}));
  EXPECT_THAT(y.values(), ElementsAre(0, 0, 1, 2, 3));
  EXPECT_THROW(x.copy_from(zeros({2})), ShapeError);
}

TEST(At, WritingThroughAViewIsNoticed) {
  Tensor x = ramp({3});
  const Tensor w = parameter(ramp({3}));
  const Tensor y = sum(w * x);
  at(x, 0).fill(9);
  EXPECT_THROW(y.backward(), GraphError);
}

TEST(Masked, SelectAndFill) {
  const Tensor x = parameter(ramp({2, 2}));
  const Tensor mask = tensor({0, 1}, boolean);
  const Tensor chosen = masked_select(x, mask);
  EXPECT_THAT(chosen.values(), ElementsAre(1, 3));
  chosen.backward(tensor({5, 6}, f64));
  EXPECT_THAT(x.grad().values(), ElementsAre(0, 5, 0, 6));
  EXPECT_THAT(masked_fill(x, mask, -1).values(), ElementsAre(0, -1, 2, -1));
  EXPECT_THAT(masked_fill(x, mask, scalar(7, f64)).values(), ElementsAre(0, 7, 2, 7));
  EXPECT_THROW(masked_fill(x, x, 0), DTypeError);
  EXPECT_THROW(masked_select(x, x), DTypeError);
}

TEST(IndexFill, WritesOneValueAtPositionsOfAnAxis) {
  const Tensor x = parameter(ramp({2, 3})), value = parameter(scalar(9, f64));
  const Tensor y = index_fill(x, 1, ids({0, -1, 0}), value);
  EXPECT_THAT(y.values(), ElementsAre(9, 1, 9, 9, 4, 9));
  EXPECT_THAT(grad(sum(y * y), x, {.retain_graph = true}).values(), ElementsAre(0, 2, 0, 0, 8, 0));
  EXPECT_EQ(grad(sum(y * y), value).item(), 72);
  EXPECT_THAT(index_fill(x, 0, scalar(1, i64), -1).values(), ElementsAre(0, 1, 2, -1, -1, -1));
  EXPECT_EQ(index_fill(x, 0, zeros({0}, i64), 7).values(), x.values());
  EXPECT_THAT(message_of<IndexError>([&] { index_fill(x, 0, ids({2}), 0); }), HasSubstr("index_fill: indices[0] is 2"));
  EXPECT_THROW(index_fill(x, 0, zeros({1, 1}, i64), 0), ShapeError);
  EXPECT_THAT(message_of<ShapeError>([&] { index_fill(x, 0, ids({0}), zeros({3})); }),
              HasSubstr("index_fill: value is [3]; a number or a scalar is expected"));
}

TEST(IndexPut, GivesANewTensor) {
  const Tensor x = parameter(ramp({2, 3})), y = parameter(tensor({10, 20, 30}, f64));
  const std::vector<Index> twice{ids({0, 1, 0}), ids({2, 1, 2})};
  const Tensor put = index_put(x, twice, y), added = index_put(x, twice, y, true);
  EXPECT_THAT(put.values(), ElementsAre(0, 1, 30, 3, 20, 5));
  EXPECT_THAT(added.values(), ElementsAre(0, 1, 42, 3, 24, 5));
  EXPECT_EQ(x.values(), ramp({2, 3}).values());
  EXPECT_THAT(grad(sum(put), x, {.retain_graph = true}).values(), ElementsAre(1, 1, 0, 1, 0, 1));
  EXPECT_THAT(grad(sum(put), y).values(), ElementsAre(0, 1, 1));
  EXPECT_THAT(grad(sum(added * added), x, {.retain_graph = true}).values(), ElementsAre(0, 2, 84, 6, 48, 10));
  EXPECT_THAT(grad(sum(added * added), y).values(), ElementsAre(84, 48, 84));
  EXPECT_THAT(index_put(x, {1}, 7).values(), ElementsAre(0, 1, 2, 7, 7, 7));
  EXPECT_THAT(index_put(x, {x.detach() > 3}, 1, true).values(), ElementsAre(0, 1, 2, 3, 5, 6));
  EXPECT_EQ(index_put(x, {x.detach() > 9}, 1, true).values(), x.values());
  EXPECT_THROW(index_put(x, twice, zeros({2})), ShapeError);
  EXPECT_THROW(index_put(x, {5}, 1), IndexError);
  EXPECT_THAT(message_of<DTypeError>([] { index_put(zeros({2}, i64), {0}, 0.5); }), HasSubstr("index_put: "));
}

TEST(Nonzero, ListsPlacesInOrder) {
  const Tensor x = tensor({0, 2, 3, 0}, Shape{2, 2});
  EXPECT_THAT(nonzero(x).values(), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(flatnonzero(x).values(), ElementsAre(1, 2));
  EXPECT_THAT(nonzero(transpose(x)).values(), ElementsAre(0, 1, 1, 0));
  EXPECT_EQ(nonzero(zeros({3, 2})).shape(), (Shape{0, 2}));
  EXPECT_EQ(nonzero(scalar(4)).shape(), (Shape{1, 0}));
}

TEST(IsClose, AllowsForRounding) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor a = tensor({1, 1, inf, inf, nan, 0}, f64), b = tensor({1.000001, 1.1, inf, 1, nan, 1e-9}, f64);
  EXPECT_THAT(isclose(a, b).values(), ElementsAre(1, 0, 1, 0, 0, 1));
  EXPECT_THAT(isclose(b, a, {.equal_nan = true}).values(), ElementsAre(1, 0, 1, 0, 1, 1));
  EXPECT_THAT(isclose(a, b, {.relative = 0, .absolute = 0.2}).values(), ElementsAre(1, 1, 1, 0, 0, 1));
  EXPECT_EQ(isclose(ones({2, 1}), ones({3})).shape(), (Shape{2, 3}));
  EXPECT_TRUE(allclose(tensor({1, 2}), tensor({1, 2}, i64)));
  EXPECT_FALSE(allclose(a, b));
  EXPECT_TRUE(allclose(zeros({0}), zeros({0})));
  EXPECT_FALSE(allclose(tensor({0, 255}, u8), tensor({255, 0}, u8)));
  EXPECT_FALSE(isclose(parameter(a), b).requires_grad());
  EXPECT_THROW(isclose(a, b, {.relative = -1}), ValueError);
  EXPECT_THROW(allclose(a, zeros({2})), ShapeError);
}

TEST(OneHot, MarksEachId) {
  EXPECT_THAT(one_hot(ids({2, 0}), 3).values(), ElementsAre(0, 0, 1, 1, 0, 0));
  EXPECT_EQ(one_hot(scalar(1, i32), 2, boolean).shape(), (Shape{2}));
  EXPECT_THAT(message_of<IndexError>([] { one_hot(ids({0, 3}), 3); }), HasSubstr("one_hot: ids[1] is 3"));
  EXPECT_THROW(one_hot(ids({-1}), 3), IndexError);
}

TEST(Bincount, CountsAndWeighs) {
  EXPECT_THAT(bincount(ids({1, 3, 1})).values(), ElementsAre(0, 2, 0, 1));
  EXPECT_THAT(bincount(zeros({0}, i64), 2).values(), ElementsAre(0, 0));
  const Tensor weights = parameter(tensor({0.5, 1, 2}, f64));
  const Tensor sums = bincount(ids({1, 3, 1}), weights, 5);
  EXPECT_THAT(sums.values(), ElementsAre(0, 2.5, 0, 1, 0));
  sums.backward(tensor({1, 2, 3, 4, 5}, f64));
  EXPECT_THAT(weights.grad().values(), ElementsAre(2, 4, 2));
  EXPECT_THROW(bincount(ids({-1})), IndexError);
  EXPECT_THROW(bincount(ids({1}), -1), ValueError);
}

}  // namespace
}  // namespace tapegrad
