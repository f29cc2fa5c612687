#include <gmock/gmock.h>

#include <cmath>
#include <tapegrad/core/error.hpp>
#include <tapegrad/optim/schedule.hpp>

namespace tapegrad::optim {
namespace {

void expect(const Schedule& schedule, std::initializer_list<std::pair<double, double>> points) {
  for (const auto& [time, factor] : points) EXPECT_NEAR(schedule(time), factor, 1e-12) << "at " << time;
}

TEST(Schedule, HasTheValuesOfItsFormula) {
  expect(schedule::constant(0.5), {{0, 0.5}, {9, 0.5}});
  expect(schedule::linear(1, 0.2, 4), {{0, 1}, {1, 0.8}, {4, 0.2}, {9, 0.2}});
  expect(schedule::steps(3, 0.5), {{0, 1}, {2.9, 1}, {3, 0.5}, {7, 0.25}});
  expect(schedule::multi_step({5, 2}, 0.1), {{1.9, 1}, {2, 0.1}, {4.9, 0.1}, {5, 0.01}});
  expect(schedule::exponential(0.9), {{0, 1}, {2, 0.81}});
  expect(schedule::cosine(4, 0.1), {{0, 1}, {2, 0.55}, {4, 0.1}, {10, 0.1}});
  expect(schedule::cosine_restarts(2), {{0, 1}, {1, 0.5}, {2, 1}, {5, 0.5}});
  // Cycles of 1, 2, 4: they begin at 0, 1, 3, 7.
  expect(schedule::cosine_restarts(1, 2), {{0.5, 0.5}, {1, 1}, {2, 0.5}, {3, 1}, {5, 0.5}, {7, 1}});
  expect(schedule::warm_up(2, schedule::linear(1, 0, 4)), {{0, 0}, {1, 0.5}, {2, 1}, {4, 0.5}, {6, 0}});
  expect(schedule::inverse_sqrt(4), {{0, 0}, {2, 0.5}, {4, 1}, {16, 0.5}});
  expect(schedule::one_cycle(10, 0.3, 25, 1e4), {{0, 0.04}, {1.5, 0.52}, {3, 1}, {10, 4e-6}, {20, 4e-6}});
  expect(schedule::sequence({{2, schedule::constant(1)}, {1, schedule::linear(1, 0, 2)}, {1, schedule::constant(3)}}),
         {{1, 1}, {2, 1}, {2.5, 0.75}, {3, 3}, {9, 3}});
  expect(schedule::product(schedule::constant(2), schedule::exponential(0.5)), {{0, 2}, {1, 1}});
}

TEST(Schedule, ChecksItsArguments) {
  EXPECT_THROW(schedule::cosine(0), ValueError);
  EXPECT_THROW(schedule::steps(-1), ValueError);
  EXPECT_THROW(schedule::warm_up(std::nan("")), ValueError);
  EXPECT_THROW(schedule::one_cycle(10, 1), ValueError);
  EXPECT_THROW(schedule::sequence({}), ValueError);
  EXPECT_THROW(schedule::cosine_restarts(1, 0.5), ValueError);
  EXPECT_THROW(Plateau({.factor = 1}), ValueError);
}

TEST(Plateau, WaitsThenLowers) {
  Plateau plateau({.factor = 0.5, .patience = 1, .min_delta = 0.1, .cooldown = 1, .smallest = 0.2});
  const double figures[] = {5, 4, 3.95, 3.95, 3.95, 3.95, 3.95, 1, std::nan(""), 1, 1, 1, 1};
  const double factors[] = {1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2};
  for (std::size_t i = 0; i < std::size(figures); ++i) EXPECT_EQ(plateau.update(figures[i]), factors[i]) << i;
  Plateau rising({.patience = 0, .higher_is_better = true});
  EXPECT_EQ(rising.update(1), 1);
  EXPECT_EQ(rising.update(2), 1);
  EXPECT_EQ(rising.update(1.5), 0.1);
}

}  // namespace
}  // namespace tapegrad::optim
