#include <gmock/gmock.h>

#include <cmath>
#include <limits>
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

// What a schedule gives just before a point where it changes, there, and just after.
struct Change {
  const char* name;
  Schedule schedule;
  double at, before, there;
};

// Times come as sums of steps, so each point is tried as it is, one rounding off, and as such a sum.
void expect_changes(const Change& c) {
  const double step = 1e-6 * std::max(c.at, 1.0);
  if (c.at > 0) {
    EXPECT_NEAR(c.schedule(c.at - step), c.before, 1e-4) << c.name << " before " << c.at;
  }
  EXPECT_NEAR(c.schedule(c.at), c.there, 1e-12) << c.name << " at " << c.at;
  EXPECT_NEAR(c.schedule(c.at + step), c.there, 1e-4) << c.name << " after " << c.at;
  EXPECT_NEAR(c.schedule(std::nextafter(c.at, 0)), c.there, 1e-9) << c.name << " a rounding before " << c.at;
  for (const int parts : {3, 7, 10, 49}) {
    double sum = 0;
    for (int i = 0; i < parts; ++i) sum += c.at / parts;
    EXPECT_NEAR(c.schedule(sum), c.there, 1e-9) << c.name << " at the sum of " << parts << " parts of " << c.at;
  }
}

TEST(Schedule, ChangesAtThePointItself) {
  using namespace schedule;
  const Schedule restarts = cosine_restarts(0.1), growing = cosine_restarts(3, 1.5, 0.2);
  const Schedule warm = warm_up(0.7, cosine_restarts(0.3, 2), 0.1);
  const Schedule chained = sequence({{0.3, linear(0, 1, 0.3)},
                                     {0, constant(7)},
                                     {0.6, warm_up(0.2, cosine_restarts(0.2))},
                                     {1.1, product(steps(0.1, 0.5), constant(0.8))},
                                     {0, multi_step({0.3, 0.7}, 0.1)}});
  std::vector<Change> changes{
      {"steps", steps(0.1, 0.5), 0.3, 0.25, 0.125},
      {"steps", steps(0.7, 0.5), 2.1, 0.25, 0.125},
      {"multi_step", multi_step({0.3, 1.7, 1.7}, 0.1), 1.7, 0.1, 1e-3},
      {"multi_step", multi_step({0, 1}, 0.1), 0, 0, 0.1},
      {"linear", linear(0.2, 1, 0.3), 0.3, 1, 1},
      {"cosine", cosine(0.3, 0.1), 0.3, 0.1, 0.1},
      {"warm_up", warm_up(0.3, constant(2)), 0.3, 2, 2},
      {"warm_up of length 0", warm_up(0, constant(2), 0.1), 0, 0, 2},
      {"inverse_sqrt", inverse_sqrt(0.3), 0.3, 1, 1},
      {"one_cycle", one_cycle(3, 0.1), 0.3, 1, 1},
      {"one_cycle", one_cycle(0.3), 0.3, 4e-6, 4e-6},
      {"restarts after warm-up", warm, 0.7, 1, 1},
      {"restarts after warm-up", warm, 1.0, 0, 1},
      {"restarts after warm-up", warm, 1.6, 0, 1},
      {"chained", chained, 0.3, 1, 0},
      {"chained", chained, 0.5, 1, 1},
      {"chained", chained, 0.7, 0, 1},
      {"chained", chained, 0.9, 0, 0.8},
      {"chained", chained, 1.4, 0.8 * 0.0625, 0.8 * 0.03125},
      {"chained", chained, 2.0, 0.8 * std::pow(0.5, 10), 1},
      {"chained", chained, 2.7, 0.1, 0.01},
  };
  for (int n = 1; n < 100; ++n) changes.push_back({"cosine_restarts", restarts, n / 10.0, 0, 1});
  for (auto [length, growth] :
       {std::pair{1.0, 3.0}, {1.0, 10.0}, {3.0, 1.5}, {4.0, 1.25}, {0.1, 2.0}, {1.0, 1 + 1e-9}}) {
    double begin = 0, cycle = length;
    for (int n = 0; n < 11; ++n) {
      changes.push_back({"cosine_restarts", cosine_restarts(length, growth, 0.2), begin, 0.2, 1});
      begin += cycle, cycle *= growth;
    }
  }
  for (const Change& change : changes) expect_changes(change);
}

TEST(Schedule, GoesOnAfterThePointAsBefore) {
  // The same from any time on: a training that is resumed asks for no others.
  const Schedule schedule = schedule::warm_up(1.5, schedule::cosine_restarts(2, 1.5));
  std::vector<double> whole, resumed;
  for (int step = 0; step < 40; ++step) whole.push_back(schedule(step / 4.0));
  for (int step = 0; step < 13; ++step) resumed.push_back(schedule(step / 4.0));
  for (int step = 13; step < 40; ++step)
    resumed.push_back(schedule::warm_up(1.5, schedule::cosine_restarts(2, 1.5))(step / 4.0));
  EXPECT_EQ(resumed, whole);
}

TEST(Schedule, ChecksItsArguments) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  EXPECT_THROW(schedule::constant(nan), ValueError);
  EXPECT_THROW(schedule::constant(-1), ValueError);
  EXPECT_THROW(schedule::linear(0, inf, 1), ValueError);
  EXPECT_THROW(schedule::linear(0, 1, inf), ValueError);
  EXPECT_THROW(schedule::steps(1, -0.1), ValueError);
  EXPECT_THROW(schedule::multi_step({1, nan}), ValueError);
  EXPECT_THROW(schedule::cosine(1, nan), ValueError);
  EXPECT_THROW(schedule::cosine_restarts(1, inf), ValueError);
  EXPECT_THROW(schedule::warm_up(-1), ValueError);
  EXPECT_THROW(schedule::warm_up(1, Schedule{}), ValueError);
  EXPECT_THROW(schedule::sequence({{-1, schedule::constant()}}), ValueError);
  EXPECT_THROW(schedule::sequence({{1, Schedule{}}}), ValueError);
  EXPECT_THROW(schedule::product(schedule::constant(), Schedule{}), ValueError);
  EXPECT_THROW(Plateau({.patience = -1}), ValueError);
  EXPECT_THROW(Plateau({.min_delta = nan}), ValueError);
  EXPECT_THROW(Plateau({.smallest = 2}), ValueError);
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
