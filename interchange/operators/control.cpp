// Graphs within graphs, sequences and optionals.

#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

constexpr std::int64_t kMostSteps = std::int64_t{1} << 24;  // of one loop: more are a fault, or an attack

std::vector<Value> condition(const Call& c) {
  if (c.in(0).numel() != 1) c.fail("the condition must be one bool");
  return c.run(c.in(0).item() != 0 ? "then_branch" : "else_branch", {});
}

/// What each step gave, along a new axis.
Value stacked(const std::vector<Value>& steps, int axis = 0) {
  std::vector<Tensor> tensors;
  for (const Value& step : steps) {
    if (!step.tensor()) throw ValueError("what a loop collects must be tensors");
    tensors.push_back(*step.tensor());
  }
  if (tensors.empty()) return zeros({0});
  return {stack(tensors, normalized_axis("axis", axis, tensors[0].rank() + 1)), steps[0].type};
}

std::vector<Value> loop(const Call& c) {
  const std::int64_t trips = c.has(0) ? c.integer_in(0) : std::numeric_limits<std::int64_t>::max();
  bool goes_on = !c.has(1) || c.in(1).item() != 0;
  std::vector<Value> carried;
  for (std::size_t i = 2; i < c.inputs(); ++i) carried.push_back(c.value(i));
  const std::size_t states = carried.size();
  if (c.outputs() < states) c.fail("there are fewer outputs than carried values");
  std::vector<std::vector<Value>> collected(c.outputs() - states);
  for (std::int64_t step = 0; step < trips && goes_on; ++step) {
    if (step == kMostSteps) c.fail("the loop does not end within 2^24 steps");
    std::vector<Value> given{full({}, static_cast<double>(step), i64), full({}, 1, boolean)};
    given.insert(given.end(), carried.begin(), carried.end());
    std::vector<Value> results = c.run("body", std::move(given));
    if (results.size() < 1 + states + collected.size() || !results[0].tensor()) c.fail("the body has too few outputs");
    goes_on = results[0].tensor()->item() != 0;
    for (std::size_t i = 0; i < states; ++i) carried[i] = std::move(results[1 + i]);
    for (std::size_t i = 0; i < collected.size(); ++i) collected[i].push_back(std::move(results[1 + states + i]));
  }
  for (const std::vector<Value>& steps : collected) carried.push_back(stacked(steps));
  return carried;
}

/// The carried values, then what was collected, of one pass over the first `states` and the scanned inputs.
std::vector<Value> scan_over(const Call& c, std::vector<Value> carried, const std::vector<Value>& scanned,
                             const std::vector<std::int64_t>& axes, const std::vector<std::int64_t>& reversed) {
  const std::size_t states = carried.size();
  const auto direction = [](const std::vector<std::int64_t>& list, std::size_t i) {
    return i < list.size() && list[i] != 0;
  };
  std::int64_t steps = -1;
  std::vector<int> axis_of;
  for (std::size_t i = 0; i < scanned.size(); ++i) {
    if (!scanned[i].tensor()) c.fail("what is scanned must be tensors");
    const Tensor& x = *scanned[i].tensor();
    axis_of.push_back(normalized_axis("axis", i < axes.size() ? axes[i] : 0, x.rank()));
    if (steps >= 0 && steps != x.shape()[axis_of[i]]) c.fail("the scanned inputs have unequal lengths");
    steps = x.shape()[axis_of[i]];
  }
  std::vector<std::vector<Value>> collected(c.outputs() - states);
  for (std::int64_t step = 0; step < steps; ++step) {
    std::vector<Value> given = carried;
    for (std::size_t i = 0; i < scanned.size(); ++i)
      given.emplace_back(select(*scanned[i].tensor(), axis_of[i], direction(reversed, i) ? steps - 1 - step : step),
                         scanned[i].type);
    std::vector<Value> results = c.run("body", std::move(given));
    if (results.size() < states + collected.size()) c.fail("the body has too few outputs");
    for (std::size_t i = 0; i < states; ++i) carried[i] = std::move(results[i]);
    for (std::size_t i = 0; i < collected.size(); ++i) collected[i].push_back(std::move(results[states + i]));
  }
  const std::vector<std::int64_t> out_axes = c.integers("scan_output_axes"),
                                  out_reversed = c.integers("scan_output_directions");
  for (std::size_t i = 0; i < collected.size(); ++i) {
    if (direction(out_reversed, i)) std::ranges::reverse(collected[i]);
    carried.push_back(stacked(collected[i], i < out_axes.size() ? static_cast<int>(out_axes[i]) : 0));
  }
  return carried;
}

std::vector<Value> scan(const Call& c) {
  const bool old = c.version() < 9;  // with lengths first, and a batch axis
  const std::size_t first = old ? 1 : 0;
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(0, c.integer("num_scan_inputs", 0)));
  if (count < 1 || count + first > c.inputs() || c.outputs() + count + first < c.inputs())
    c.fail("num_scan_inputs does not fit the inputs and outputs");
  std::vector<Value> carried, scanned;
  for (std::size_t i = first; i < c.inputs(); ++i) (i < c.inputs() - count ? carried : scanned).push_back(c.value(i));
  if (!old) return scan_over(c, carried, scanned, c.integers("scan_input_axes"), c.integers("scan_input_directions"));
  if (c.has(0)) c.fail("sequence_lens of opset 8 is not supported");
  if (!scanned[0].tensor() || scanned[0].tensor()->rank() < 2) c.fail("what is scanned must be [batch, steps, …]");
  std::vector<std::vector<Value>> members;
  const auto member = [&](const std::vector<Value>& all, std::int64_t b) {
    std::vector<Value> one;
    for (const Value& value : all) {
      if (!value.tensor()) c.fail("states must be tensors");
      one.emplace_back(select(*value.tensor(), 0, b), value.type);
    }
    return one;
  };
  for (std::int64_t b = 0; b < scanned[0].tensor()->size(0); ++b)
    members.push_back(scan_over(c, member(carried, b), member(scanned, b), {}, c.integers("directions")));
  std::vector<Value> results;
  for (std::size_t i = 0; i < c.outputs(); ++i) {
    std::vector<Value> parts;
    for (const std::vector<Value>& one : members) parts.push_back(one[i]);
    results.push_back(stacked(parts));
  }
  return results;
}

const Sequence& items(const Call& c, std::size_t i) {
  const Sequence* found = c.value(i).sequence();
  if (!found) c.fail("input " + std::to_string(i) + " must be a sequence");
  return *found;
}
std::size_t place(const Call& c, std::size_t i, std::size_t size, std::size_t beyond) {
  const std::int64_t given = c.integer_in(i), count = static_cast<std::int64_t>(size);
  const std::int64_t at = given < 0 ? given + count : given;
  if (at < 0 || at >= count + static_cast<std::int64_t>(beyond))
    throw IndexError("position " + std::to_string(given) + " of a sequence of " + std::to_string(size));
  return static_cast<std::size_t>(at);
}

Value sequence_of(const Call& c) {
  Sequence all;
  for (std::size_t i = 0; i < c.inputs(); ++i) all.push_back(c.value(i));
  return all;
}
Value empty_sequence(const Call&) { return Sequence{}; }
Value sequence_at(const Call& c) { return items(c, 0)[place(c, 1, items(c, 0).size(), 0)]; }
Value sequence_length(const Call& c) { return full({}, static_cast<double>(items(c, 0).size()), i64); }
Value sequence_insert(const Call& c) {
  Sequence all = items(c, 0);
  const std::size_t at = c.has(2) ? place(c, 2, all.size(), 1) : all.size();
  all.insert(all.begin() + static_cast<std::ptrdiff_t>(at), c.value(1));
  return all;
}
Value sequence_erase(const Call& c) {
  Sequence all = items(c, 0);
  if (all.empty()) c.fail("the sequence is empty");
  const std::size_t at = c.has(1) ? place(c, 1, all.size(), 0) : all.size() - 1;
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
  return all;
}
Value split_to_sequence(const Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.integer("axis", 0));
  const bool drop = !c.has(1) && c.integer("keepdims", 1) == 0;
  std::vector<Tensor> parts;
  if (!c.has(1))
    parts = split(x, 1, axis);
  else if (c.in(1).rank() == 0)
    parts = split(x, c.integer_in(1), axis);
  else
    parts = split(x, c.integers_in(1), axis);
  Sequence all;
  for (const Tensor& part : parts) all.emplace_back(drop ? squeeze(part, axis) : part, c.type(0));
  return all;
}
Value concat_from_sequence(const Call& c) {
  const Sequence& all = items(c, 0);
  std::vector<Tensor> parts;
  for (const Value& item : all) {
    if (!item.tensor()) c.fail("the sequence must be of tensors");
    parts.push_back(*item.tensor());
  }
  if (parts.empty()) c.fail("the sequence is empty");
  const bool fresh = c.integer("new_axis", 0) != 0;
  const int axis = normalized_axis("axis", c.integer("axis", 0), parts[0].rank() + fresh);
  return {fresh ? stack(parts, axis) : concat(parts, axis), all[0].type};
}
std::vector<Value> sequence_map(const Call& c) {
  std::vector<Sequence> results(c.outputs());
  for (std::size_t n = 0; n < items(c, 0).size(); ++n) {
    std::vector<Value> given{items(c, 0)[n]};
    for (std::size_t i = 1; i < c.inputs(); ++i) {
      const Sequence* more = c.value(i).sequence();
      if (more && n >= more->size()) c.fail("the sequences have unequal lengths");
      given.push_back(more ? (*more)[n] : c.value(i));
    }
    const std::vector<Value> made = c.run("body", std::move(given));
    if (made.size() < results.size()) c.fail("the body has too few outputs");
    for (std::size_t i = 0; i < results.size(); ++i) results[i].push_back(made[i]);
  }
  return {results.begin(), results.end()};
}

Value optional_of(const Call& c) { return c.inputs() > 0 && c.has(0) ? c.value(0) : Value(); }
Value optional_has(const Call& c) { return full({}, c.inputs() > 0 && c.has(0), boolean); }
Value optional_get(const Call& c) {
  if (c.value(0).empty()) c.fail("the optional is empty");
  return c.value(0);
}

constexpr Importer kImporters[] = {
    {"ConcatFromSequence", concat_from_sequence},
    {"If", condition},
    {"Loop", loop},
    {"Optional", optional_of},
    {"OptionalGetElement", optional_get},
    {"OptionalHasElement", optional_has},
    {"Scan", scan},
    {"SequenceAt", sequence_at},
    {"SequenceConstruct", sequence_of},
    {"SequenceEmpty", empty_sequence},
    {"SequenceErase", sequence_erase},
    {"SequenceInsert", sequence_insert},
    {"SequenceLength", sequence_length},
    {"SequenceMap", sequence_map},
    {"SplitToSequence", split_to_sequence},
};

}  // namespace

std::span<const Importer> control_importers() { return kImporters; }

}  // namespace tapegrad::onnx
