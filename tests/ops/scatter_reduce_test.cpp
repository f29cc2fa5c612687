#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "twins.hpp"

namespace tapegrad::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const Tensor& which() {
  static const Tensor indices = tensor({0, 2, 0, 0}, i64);
  return indices;
}

std::vector<double> reduced(ScatterReduce how, bool include_self) {
  const Tensor x = tensor({10, 20, 30}, f64), source = tensor({1, 2, 3, 4}, f64);
  return scatter_reduce(x, 0, which(), source, how, include_self).values();
}

TEST(ScatterReduce, WithAndWithoutWhatWasThere) {
  EXPECT_THAT(reduced(ScatterReduce::sum, true), ElementsAre(18, 20, 32));
  EXPECT_THAT(reduced(ScatterReduce::sum, false), ElementsAre(8, 20, 2));
  EXPECT_THAT(reduced(ScatterReduce::mean, true), ElementsAre(4.5, 20, 16));
  EXPECT_THAT(reduced(ScatterReduce::mean, false), ElementsAre(8.0 / 3, 20, 2));
  EXPECT_THAT(reduced(ScatterReduce::prod, true), ElementsAre(120, 20, 60));
  EXPECT_THAT(reduced(ScatterReduce::prod, false), ElementsAre(12, 20, 2));
  EXPECT_THAT(reduced(ScatterReduce::amax, true), ElementsAre(10, 20, 30));
  EXPECT_THAT(reduced(ScatterReduce::amax, false), ElementsAre(4, 20, 2));
  EXPECT_THAT(reduced(ScatterReduce::amin, true), ElementsAre(1, 20, 2));
  EXPECT_THAT(reduced(ScatterReduce::amin, false), ElementsAre(1, 20, 2));
}

TEST(ScatterReduce, GradientsOfMeansAndProducts) {
  const Tensor x = parameter(tensor({10, 20, 30}, f64)), source = parameter(tensor({1, 2, 0, 4}, f64));
  const auto gradients = [&](ScatterReduce how, bool include_self) {
    const Tensor y = sum(scatter_reduce(x, 0, which(), source, how, include_self));
    const std::vector<Tensor> both = grad(std::vector{y}, std::vector{x, source});
    return std::pair(both[0].values(), both[1].values());
  };
  const auto [mean_x, mean_source] = gradients(ScatterReduce::mean, true);
  EXPECT_THAT(mean_x, ElementsAre(0.25, 1, 0.5));
  EXPECT_THAT(mean_source, ElementsAre(0.25, 0.5, 0.25, 0.25));
  const auto [prod_x, prod_source] = gradients(ScatterReduce::prod, true);
  EXPECT_THAT(prod_x, ElementsAre(0, 1, 2));
  EXPECT_THAT(prod_source, ElementsAre(0, 30, 40, 0));
  const auto [alone_x, alone_source] = gradients(ScatterReduce::prod, false);
  EXPECT_THAT(alone_x, ElementsAre(0, 1, 0));
  EXPECT_THAT(alone_source, ElementsAre(0, 1, 4, 0));
}

TEST(ScatterReduce, AgreesWithReductionsOfEachPlace) {
  Rng rng(3);
  const Tensor x = randn({2, 4}, f64, rng), source = randn({2, 4}, f64, rng);
  const Tensor indices = reshape(copy_of(std::vector<std::int64_t>{0, 2, 0, 0, 1, 1, 2, -1}), {2, 4});
  const auto composed = [&](const Tensor& t, const Tensor& s, const auto& reduce) {
    std::vector<Tensor> all;
    for (int row = 0; row < 2; ++row)
      for (int place = 0; place < 4; ++place) {
        std::vector<std::int64_t> meeting;
        for (int i = 0; i < 4; ++i) {
          const auto at = static_cast<std::int64_t>(indices.at({row, i}));
          if ((at + 4) % 4 == place) meeting.push_back(i);
        }
        const Tensor given = take(select(s, 0, row), copy_of(meeting), 0);
        all.push_back(reduce(concat({slice(select(t, 0, row), 0, place, place + 1), given})));
      }
    return reshape(stack(all), {2, 4});
  };
  struct Case {
    ScatterReduce how;
    Unary reduce;
  };
  for (const Case& c : {Case{ScatterReduce::sum, [](const Tensor& t) { return sum(t); }},
                        Case{ScatterReduce::mean, [](const Tensor& t) { return mean(t); }},
                        Case{ScatterReduce::prod, [](const Tensor& t) { return prod(t); }},
                        Case{ScatterReduce::amax, [](const Tensor& t) { return amax(t); }},
                        Case{ScatterReduce::amin, [](const Tensor& t) { return amin(t); }}}) {
    expect_twins([&](const Tensor& t) { return scatter_reduce(t, 1, indices, source * t, c.how); },
                 [&](const Tensor& t) { return composed(t, source * t, c.reduce); }, x, 3);
  }
}

TEST(ScatterReduce, ProductsOfManyInOnePlace) {
  constexpr std::int64_t kMany = 100001;
  const Tensor source = parameter(full({kMany}, 1.00001, f64)), all_in_one = zeros({kMany}, i64);
  const Tensor y = scatter_reduce(ones({2}, f64), 0, all_in_one, source, ScatterReduce::prod);
  EXPECT_NEAR(y.values()[0] / std::exp(kMany * std::log1p(0.00001)), 1, 1e-10);
  EXPECT_NEAR(grad(sum(y), source).values()[7] * 1.00001 / y.values()[0], 1, 1e-12);
}

TEST(ScatterReduce, OfNoIndicesAndOfIntegers) {
  for (const ScatterReduce how :
       {ScatterReduce::sum, ScatterReduce::mean, ScatterReduce::prod, ScatterReduce::amax, ScatterReduce::amin})
    for (const bool include_self : {false, true}) {
      const Tensor x = parameter(tensor({1, 2}, f64));
      const Tensor y = scatter_reduce(x, 0, zeros({0}, i64), zeros({0}, f64), how, include_self);
      EXPECT_THAT(y.values(), ElementsAre(1, 2));
      EXPECT_THAT(grad(sum(y), x).values(), ElementsAre(1, 1));
    }
  const Tensor x = tensor({7, 2}, i32), at = tensor({0, 0}, i64), source = tensor({9, -3}, i32);
  EXPECT_EQ(scatter_reduce(x, 0, at, source, ScatterReduce::prod).dtype(), i32);
  EXPECT_THAT(scatter_reduce(x, 0, at, source, ScatterReduce::prod).values(), ElementsAre(-189, 2));
  EXPECT_THAT(scatter_reduce(x, 0, at, source, ScatterReduce::amin, false).values(), ElementsAre(-3, 2));
  EXPECT_THAT(scatter_reduce(x, 0, at, source, ScatterReduce::mean, false).values(), ElementsAre(3, 2));
}

TEST(ScatterReduce, RefusesWhatDoesNotFit) {
  const auto reduce = [](const Tensor& indices, const Tensor& source, ScatterReduce how) {
    scatter_reduce(zeros({3}), 0, indices, source, how);
  };
  EXPECT_THAT([&] { reduce(which(), zeros({3}), ScatterReduce::mean); },
              ThrowsMessage<ShapeError>(HasSubstr("scatter_reduce: indices are [4] and source [3]")));
  EXPECT_THROW(reduce(tensor({3}, i64), zeros({1}), ScatterReduce::prod), IndexError);
  EXPECT_THROW(reduce(tensor({0}), zeros({1}), ScatterReduce::prod), DTypeError);
  EXPECT_THROW(reduce(which(), zeros({4}), static_cast<ScatterReduce>(9)), ValueError);
}

TEST(ScatterReduce, GivesTheSameBitsOnAnyNumberOfThreads) {
  Rng rng(2);
  const Tensor indices = randint(0, 50, {600, 300}, rng), source = randn({600, 300}, f32, rng);
  const int before = num_threads();
  std::vector<std::vector<double>> seen;
  for (const int threads : {1, 4}) {
    set_num_threads(threads);
    std::vector<double> all;
    for (const bool include_self : {false, true}) {
      const Tensor x = parameter(ones({600, 50}));
      const Tensor y = scatter_reduce(x, 1, indices, source, ScatterReduce::amax, include_self);
      for (const Tensor& t : {y, grad(sum(y), x)})
        for (const double v : t.values()) all.push_back(v);
    }
    seen.push_back(all);
  }
  set_num_threads(before);
  EXPECT_EQ(seen[0], seen[1]);
}

}  // namespace
}  // namespace tapegrad::tests
