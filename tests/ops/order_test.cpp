#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/order.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;
using ::testing::ThrowsMessage;

const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Order, SortsStablyWithNanLast) {
  const Tensor x = tensor({3, kNan, 1, 3, -0.0, 0}, f64);
  const auto [rising, from] = sort(x);
  EXPECT_THAT(rising.values(), ElementsAre(0, 0, 1, 3, 3, IsNan()));
  EXPECT_THAT(from.values(), ElementsAre(4, 5, 2, 0, 3, 1));
  const auto [falling, back] = sort(x, 0, true);
  EXPECT_THAT(back.values(), ElementsAre(1, 0, 3, 2, 4, 5));
  EXPECT_THAT(argsort(tensor({2, 0, 1, 5, 4, 3}, {2, 3}, i32), 0).values(), ElementsAre(0, 0, 0, 1, 1, 1));
}

TEST(Order, SortsLongLanesOnAnyAxis) {
  Rng rng(1);
  const Tensor x = randint(0, 50, {40, 70, 30}, rng);
  for (const int axis : {0, 1, 2}) {
    const Tensor sorted = sort(x, axis).values;
    const auto v = sorted.values();
    const Strides step = sorted.strides();
    const auto stride = static_cast<std::size_t>(step[static_cast<std::size_t>(axis)]);
    for (std::size_t i = 0; i + stride < v.size(); ++i) {
      if (i / stride % static_cast<std::size_t>(x.size(axis)) + 1 < static_cast<std::size_t>(x.size(axis))) {
        ASSERT_LE(v[i], v[i + stride]);
      }
    }
    EXPECT_EQ(sum(sorted, {axis}).values(), sum(x, {axis}).values());
  }
}

TEST(Order, GradientsGoToWhereValuesCameFrom) {
  const Tensor x = parameter(tensor({3, 1, 2, 6, 5, 4}, {2, 3}, f64)), w = tensor({1, 2, 3, 4, 5, 6}, {2, 3}, f64);
  EXPECT_THAT(grad(sum(sort(x).values * w), x).values(), ElementsAre(3, 1, 2, 6, 5, 4));
  EXPECT_THAT(grad(sum(topk(x, 2).values), x).values(), ElementsAre(1, 0, 1, 1, 1, 0));
  EXPECT_THAT(grad(sum(kthvalue(x, 2).values), x).values(), ElementsAre(0, 0, 1, 0, 1, 0));
  expect_twins([](const Tensor& t) { return square(sort(t, 0).values); },
               [](const Tensor& t) { return sort(square(t) * t, 0).values / sort(t, 0).values; }, x.detach(), 3);
}

TEST(Order, TopKAndKthValue) {
  const Tensor x = tensor({5, 1, 5, 3}, f64);
  const auto [values, indices] = topk(x, 3);
  EXPECT_THAT(values.values(), ElementsAre(5, 5, 3));
  EXPECT_THAT(indices.values(), ElementsAre(0, 2, 3));
  EXPECT_THAT(topk(x, 2, 0, false).values.values(), ElementsAre(1, 3));
  EXPECT_EQ(topk(x, 0).values.shape(), Shape{0});
  EXPECT_EQ(kthvalue(x, 2).values.item(), 3);
  EXPECT_EQ(kthvalue(x, 2, 0, true).indices.shape(), Shape{1});
  EXPECT_THAT([&] { topk(x, 5); }, ThrowsMessage<ValueError>(HasSubstr("topk: k is 5 on axis 0 of shape [4]")));
  EXPECT_THROW(kthvalue(x, 0), ValueError);
}

TEST(Order, Medians) {
  EXPECT_EQ(median(tensor({4, 1, 3}, f64)).item(), 3);
  const Tensor x = parameter(tensor({4, 1, 3, 9, 2, 2, 7, 8}, {2, 4}, f64));
  const Tensor m = median(x, 1);
  EXPECT_THAT(m.values(), ElementsAre(3.5, 4.5));
  EXPECT_THAT(grad(sum(m), x).values(), ElementsAre(0.5, 0, 0.5, 0, 0, 0.5, 0.5, 0));
  EXPECT_THAT(median(tensor({1, kNan, 2, 3, 4, 5}, {2, 3}, f64), 1, true).values(), ElementsAre(IsNan(), 4));
  EXPECT_EQ(median(tensor({1, 2}, i64)).item(), 1.5);
  EXPECT_THROW(median(zeros({0})), ValueError);
}

TEST(Order, Quantiles) {
  const Tensor x = parameter(tensor({4, 1, 3, 2, 8, 8, 8, 8}, {2, 4}, f64));
  EXPECT_THAT(quantile(x, 0.5, 1).values(), ElementsAre(2.5, 8));
  EXPECT_THAT(quantile(x, 0.25, 1, true).values(), ElementsAre(1.75, 8));
  EXPECT_THAT(grad(sum(quantile(x, 0.25, 1)), x).values(), ElementsAre(0, 0.25, 0, 0.75, 0.25, 0.75, 0, 0));
  EXPECT_EQ(quantile(x, 1).item(), 8);
  EXPECT_EQ(quantile(x, 0, 0).shape(), (Shape{4}));
  const auto of_first = [&](double q, QuantileMethod between) { return quantile(x, q, 1, false, between).values()[0]; };
  EXPECT_EQ(of_first(0.4, QuantileMethod::lower), 2);
  EXPECT_EQ(of_first(0.4, QuantileMethod::higher), 3);
  EXPECT_EQ(of_first(0.4, QuantileMethod::midpoint), 2.5);
  EXPECT_EQ(of_first(0.4, QuantileMethod::nearest), 2);
  EXPECT_EQ(of_first(0.5, QuantileMethod::nearest), 3);  // at 1.5: to the even place, 2
  EXPECT_EQ(of_first(1.0 / 3, QuantileMethod::midpoint), 2);
  const Tensor several = quantiles(x, {0, 0.5, 1}, 1);
  EXPECT_EQ(several.shape(), (Shape{3, 2}));
  EXPECT_THAT(several.values(), ElementsAre(1, 8, 2.5, 8, 4, 8));
  EXPECT_EQ(quantile(tensor({1, 2}, i64), 0.25).item(), 1.25);
  expect_twins([](const Tensor& t) { return quantile(square(t), 0.3, 0); },
               [](const Tensor& t) {
                 const Tensor s = sort(square(t), 0).values;
                 return select(s, 0, 0) * 0.7 + select(s, 0, 1) * 0.3;
               },
               x.detach(), 3);
}

TEST(Order, QuantilesOfNaNAndInfinities) {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = parameter(tensor({4, kNan, 2, kNan, kNan, kNan}, {2, 3}, f64));
  EXPECT_THAT(quantile(x, 0.5, 1).values(), ElementsAre(IsNan(), IsNan()));
  EXPECT_THAT(nanquantile(x, 0.25, 1).values(), ElementsAre(2.5, IsNan()));
  EXPECT_THAT(nanmedian(x, 1, true).values(), ElementsAre(3, IsNan()));
  EXPECT_EQ(nanmedian(x).item(), 3);
  EXPECT_EQ(nanquantile(x, 1).item(), 4);
  EXPECT_THAT(grad(nanquantile(x, 0.25), x).values(), ElementsAre(0.25, 0, 0.75, 0, 0, 0));
  const Tensor wide = tensor({-inf, -inf, 0, 1, inf}, f64);
  EXPECT_EQ(quantile(wide, 0).item(), -inf);
  EXPECT_EQ(quantile(wide, 0.1).item(), -inf);
  EXPECT_EQ(quantile(wide, 0.3).item(), -inf);
  EXPECT_EQ(quantile(wide, 0.75).item(), 1);
  EXPECT_EQ(quantile(wide, 0.8).item(), inf);
  EXPECT_EQ(quantile(tensor({-3e38, 3e38}, f32), 0.5).item(), 0);
}

TEST(Order, QuantilesRefuseWhatTheyCannotAnswer) {
  EXPECT_THAT([] { quantile(zeros({3}), 1.5); },
              ThrowsMessage<ValueError>(HasSubstr("quantile: q is 1.5; it must be")));
  EXPECT_THROW(quantile(zeros({3}), kNan), ValueError);
  EXPECT_THAT(
      [] {
        nanquantile(zeros({2, 0}), 0.5, 1);
      },
      ThrowsMessage<ValueError>(HasSubstr("nanquantile: axis 1 of shape [2, 0] is empty")));
  EXPECT_THROW(quantiles(zeros({3}), {}, 0), ValueError);
  EXPECT_THROW(quantile(zeros({3}), 0.5, 1), ValueError);
}

TEST(Order, SearchesSortedRows) {
  const Tensor sorted = tensor({1, 3, 3, 5}, f64);
  const Tensor values = tensor({0, 1, 3, 4, 6, kNan}, {2, 3}, f64);
  EXPECT_THAT(searchsorted(sorted, values).values(), ElementsAre(0, 0, 1, 3, 4, 4));
  EXPECT_THAT(searchsorted(sorted, values, true).values(), ElementsAre(0, 1, 3, 3, 4, 4));
  EXPECT_EQ(searchsorted(sorted, values).shape(), (Shape{2, 3}));
  EXPECT_EQ(searchsorted(sorted, scalar(4)).item(), 3);
  EXPECT_THAT(searchsorted(tensor({1, 2, 30, 40}, {2, 2}), tensor({2, 35}, {2, 1}, i64)).values(), ElementsAre(1, 1));
  EXPECT_EQ(searchsorted(zeros({0}), values).values(), std::vector<double>(6, 0));
  EXPECT_EQ(searchsorted(sorted, zeros({2, 0})).shape(), (Shape{2, 0}));
  EXPECT_THAT(
      [] {
        searchsorted(tensor({1, 3, 2}), scalar(1));
      },
      ThrowsMessage<ValueError>(HasSubstr("searchsorted: sorted[2] is less than the element before it")));
  EXPECT_THROW(searchsorted(zeros({2, 3}), zeros({3})), ShapeError);
  EXPECT_THROW(searchsorted(scalar(1), zeros({3})), ShapeError);
}

TEST(Order, UniqueValues) {
  const Tensor x = parameter(tensor({3, 1, 3, kNan, 1, kNan}, {2, 3}, f64));
  const Unique u = unique(x);
  EXPECT_THAT(u.values.values(), ElementsAre(1, 3, IsNan()));
  EXPECT_THAT(u.inverse.values(), ElementsAre(1, 0, 1, 2, 0, 2));
  EXPECT_EQ(u.inverse.shape(), x.shape());
  EXPECT_THAT(u.counts.values(), ElementsAre(2, 2, 2));
  EXPECT_THAT(grad(sum(u.values), x).values(), ElementsAre(1, 1, 0, 1, 0, 0));
  EXPECT_EQ(unique(zeros({0}, i64)).values.shape(), Shape{0});
}

}  // namespace
}  // namespace tapegrad::tests
