// Differential fuzzing: random programs of 5 to 50 ops, whose gradients are taken in several ways that must agree.
// RC_PARAMS="max_success=10000 seed=7" in the environment tries more, or others.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/tapegrad.hpp>

#include "programs.hpp"

namespace tapegrad::tests {
namespace {

using Tensors = std::vector<Tensor>;
using Numbers = std::vector<std::vector<double>>;

Tensors leaves(const Tensors& values) {
  Tensors all;
  for (const Tensor& t : values) all.push_back(parameter(t.detach()));
  return all;
}

Numbers numbers(const Tensors& gradients) {
  Numbers all;
  for (const Tensor& g : gradients) all.push_back(g.to_dense().values());
  return all;
}

Numbers gradients_of(const Tensors& inputs) {
  Tensors all;
  for (const Tensor& t : inputs) all.push_back(t.grad());
  return numbers(all);
}

bool same_bits(const Numbers& a, const Numbers& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t e = 0; e < a[i].size(); ++e)
      if (!(a[i][e] == b[i][e] || (std::isnan(a[i][e]) && std::isnan(b[i][e])))) return false;
  return a.size() == b.size();
}

/// Up to rounding, which grows along a long program.
bool close(const Numbers& a, const Numbers& b) {
  double size = 1e-3;
  for (const auto& row : a)
    for (const double v : row) size = std::max(size, std::abs(v));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t e = 0; e < a[i].size(); ++e)
      if (!(std::abs(a[i][e] - b[i][e]) <= 1e-9 * size)) return false;
  return a.size() == b.size();
}

struct Run {
  Numbers gradients;
  std::string listing;
};

Run eager(const Program& program, const Tensors& values, bool large = false) {
  const Tensors inputs = leaves(values);
  Machine machine(inputs, large);
  machine.run(program);
  machine.total().backward();
  return {gradients_of(inputs), machine.listing()};
}

/// The first half's results are cut off, and their gradients carried over the cut by hand.
Numbers in_two_halves(const Program& program, const Tensors& values) {
  const std::span steps(program);
  const Tensors inputs = leaves(values);
  Machine first(inputs);
  first.run(steps.first(program.size() / 2));
  const Tensors middle = leaves(first.variables());
  Machine second(middle);
  second.run(steps.subspan(program.size() / 2));
  second.total().backward();
  Tensors outputs, cotangents;
  for (std::size_t i = 0; i < middle.size(); ++i) {
    if (!first.variables()[i].requires_grad()) continue;
    outputs.push_back(first.variables()[i]);
    cotangents.push_back(middle[i].grad());
  }
  return numbers(grad(outputs, inputs, cotangents));
}

RC_GTEST_PROP(Fuzz, GradientsDoNotDependOnHowTheyAreTaken, ()) {
  const auto program = *programs(5, 50).as("steps");
  const Tensors values = program_inputs(*rc::gen::inRange<std::uint64_t>(0, 1000).as("seed"));
  const Run plain = eager(program, values);
  for (const auto& row : plain.gradients)
    for (const double v : row)
      if (!std::isfinite(v)) RC_FAIL(plain.listing + "a gradient is not finite");

  const Tensors inputs = leaves(values);
  Machine recorded(inputs);
  recorded.run(program);
  const Tensor total = recorded.total();
  const Tensors first = grad({&total, 1}, inputs, {}, {.create_graph = true});
  if (!close(plain.gradients, numbers(first))) RC_FAIL(plain.listing + "differs under create_graph");

  // The recorded gradient is a graph of its own: differentiating it leaves the first one intact.
  Tensor sum_of_squares = scalar(0, f64);
  for (const Tensor& g : first) sum_of_squares = sum_of_squares + sum(square(g.to_dense()));
  if (sum_of_squares.requires_grad()) sum_of_squares.backward();
  if (!close(plain.gradients, numbers(first))) RC_FAIL(plain.listing + "changed when it was differentiated");

  if (!same_bits(plain.gradients, eager(program, values).gradients)) RC_FAIL(plain.listing + "differs when rebuilt");
  if (!close(plain.gradients, in_two_halves(program, values))) RC_FAIL(plain.listing + "differs when cut in two");
}

/// What a program can see of its variables.
std::vector<std::pair<bool, bool>> leaves_and_gradients(const Machine& machine) {
  std::vector<std::pair<bool, bool>> all;
  for (const Tensor& t : machine.variables()) all.emplace_back(t.is_leaf(), t.requires_grad());
  return all;
}

RC_GTEST_PROP(Fuzz, ATraceChangesNothing, ()) {
  const auto program = *programs(5, 30).as("steps");
  const Tensors values = program_inputs(*rc::gen::inRange<std::uint64_t>(0, 1000).as("seed"));
  // The first two thirds of the inputs have a gradient; in the middle of the program nothing is recorded.
  const auto run = [&](bool twice) {
    Tensors inputs = values;
    for (std::size_t i = 0; i + i / 2 < values.size(); ++i) inputs[i] = parameter(values[i].detach());
    Machine machine(inputs);
    const std::span steps(program);
    const std::size_t third = program.size() / 3;
    machine.run(steps.first(third));
    {
      const NoGrad off;
      machine.run(steps.subspan(third, third));
    }
    machine.run(steps.subspan(2 * third));
    Tensors wanted;
    for (const Tensor& t : inputs)
      if (t.requires_grad()) wanted.push_back(t);
    const Tensor total = machine.total();
    Tensors found = grad({&total, 1}, wanted, {}, {.create_graph = twice});
    Tensor again = scalar(0, f64);
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!found[i].defined()) found[i] = zeros_like(wanted[i]);
      again = again + sum(square(found[i].to_dense()));
    }
    if (twice && again.requires_grad()) {
      again.backward();
      for (const Tensor& t : wanted)
        if (t.grad().defined()) found.push_back(t.grad());
    }
    return std::tuple(leaves_and_gradients(machine), numbers(found), machine.listing());
  };
  for (const bool twice : {false, true}) {
    const auto [kinds, gradients, listing] = run(twice);
    for (const auto keep : {Trace::Keep::records, Trace::Keep::measurements}) {
      const Trace trace(keep);
      const auto [traced_kinds, traced, unused] = run(twice);
      if (kinds != traced_kinds) RC_FAIL(listing + "other leaves under a trace");
      if (!same_bits(gradients, traced)) RC_FAIL(listing + "other gradients under a trace");
    }
  }
}

/// The first program's listing if they differ, else nothing.
std::string differs_on_two_threads(const Program& program, const Tensors& values, bool large) {
  const int before = num_threads();
  set_num_threads(1);
  const Run one = eager(program, values, large);
  set_num_threads(2);
  const Run two = eager(program, values, large);
  set_num_threads(before);
  return same_bits(one.gradients, two.gradients) ? "" : one.listing;
}

RC_GTEST_PROP(Fuzz, GradientsHaveTheSameBitsOnTwoThreads, ()) {
  const auto program = *programs(5, 50).as("steps");
  const auto difference =
      differs_on_two_threads(program, program_inputs(*rc::gen::inRange<std::uint64_t>(0, 1000).as("seed")), false);
  if (!difference.empty()) RC_FAIL(difference);
}

TEST(Fuzz, LargeProgramsHaveTheSameBitsOnTwoThreads) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const Program program = programs(5, 9)(rc::Random(seed), rc::kNominalSize).value();
    EXPECT_EQ(differs_on_two_threads(program, program_inputs(seed, true), true), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace tapegrad::tests
