// Any composition of ops, on any shapes, broadcasts and views: its gradient in reverse, forward and by differences is
// the same. RC_PARAMS="max_success=1000 seed=7" in the environment tries more, or others.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradient_check.hpp>

#include "programs.hpp"

namespace tapegrad::tests {
namespace {

/// The same examples every time, unless the environment asks for others.
class FixedSeed : public ::testing::Environment {
  void SetUp() override { setenv("RC_PARAMS", "seed=20 max_success=200", 0); }
};
[[maybe_unused]] const auto* const kFixedSeed = ::testing::AddGlobalTestEnvironment(new FixedSeed);

void expect_right(const Program& program, const std::vector<Tensor>& inputs, int order) {
  std::string listing;
  const auto f = [&](std::span<const Tensor> given) {
    Machine machine({given.begin(), given.end()});
    machine.run(program);
    listing = machine.listing();
    return machine.total();
  };
  const auto report = testing::check_gradients(f, inputs, {.name = "the program", .order = order});
  if (!report.ok()) RC_FAIL(listing + to_string(report));
}

RC_GTEST_PROP(Property, OneOpOnAnyShapesAndViews, ()) {
  const auto program = *programs(1, 2).as("steps");
  expect_right(program, program_inputs(*rc::gen::inRange<std::uint64_t>(0, 1000).as("seed")), 2);
}

RC_GTEST_PROP(Property, CompositionsOfOps, ()) {
  const auto program = *programs(2, 6).as("steps");
  expect_right(program, program_inputs(*rc::gen::inRange<std::uint64_t>(0, 1000).as("seed")), 1);
}

}  // namespace
}  // namespace tapegrad::tests
