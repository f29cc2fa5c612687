#include <gtest/gtest.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/optim/ema.hpp>

namespace tapegrad::optim {
namespace {

TEST(Ema, AveragesAndStandsIn) {
  Tensor p = parameter(full({2}, 1.0, f64), "p");
  Ema average({{"p", p}}, 0.9);
  double expected = 1;
  for (int step = 1; step <= 5; ++step) {
    p.mutable_data<double>()[0] = p.mutable_data<double>()[1] = step * step;
    average.update();
    expected = 0.9 * expected + 0.1 * step * step;
    EXPECT_NEAR(average.state()[0].tensor.values()[1], expected, 1e-14);
  }
  {
    const Ema::Guard averaged(average);
    EXPECT_NEAR(p.values()[0], expected, 1e-14);
  }
  EXPECT_EQ(p.values()[0], 25);
  Ema other({{"p", p}}, 0.9);
  other.load_state(average.state());
  EXPECT_EQ(other.state()[0].tensor.values(), average.state()[0].tensor.values());
  EXPECT_THROW(other.load_state({}), ValueError);
  EXPECT_THROW(Ema({{"p", p}}, 1), ValueError);
}

TEST(Ema, OfStridedParameters) {
  Tensor memory = tensor({1, 2, 3, 4, 5, 6}, {2, 3});
  Tensor p = transpose(memory);
  Ema average({{"p", p}}, 0.5);
  p.fill(8);
  average.update();
  average.swap();
  EXPECT_EQ(p.values(), (std::vector<double>{4.5, 6, 5, 6.5, 5.5, 7}));
  EXPECT_EQ(memory.values()[1], 5);
  average.swap();
  EXPECT_EQ(p.values(), std::vector<double>(6, 8));
  EXPECT_THROW(Ema({}, 0.5), ValueError);
  EXPECT_THROW(Ema({{"p", ones({2}, i64)}}, 0.5), ValueError);
}

}  // namespace
}  // namespace tapegrad::optim
