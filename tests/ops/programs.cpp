#include "programs.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/tapegrad.hpp>
#include <tapegrad/testing/gradient_check.hpp>

namespace tapegrad::tests {
namespace {

constexpr std::size_t kViews = 12;  // as likely as that many ops

const std::vector<const OpEntry*>& differentiable_ops() {
  static const std::vector<const OpEntry*> ops = [] {
    std::vector<const OpEntry*> found;
    for (const OpEntry* op : all_ops())
      if (op->info().differentiable) found.push_back(op);
    return found;
  }();
  return ops;
}

const std::vector<Sample>& samples_of(const OpEntry& op) {
  static std::map<const OpEntry*, std::vector<Sample>> known;
  const auto [at, is_new] = known.try_emplace(&op);
  Rng rng(17);
  if (is_new) at->second = op.samples(rng);
  return at->second;
}

/// The elements of `x`, over and over, in another shape.
Tensor fit(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  std::vector<std::int64_t> positions(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<std::int64_t>(i) % x.numel();
  const Tensor chosen = take(reshape(x, {-1}), copy_of(positions), 0);
  return reshape(chosen, shape);
}

/// Smoothly into an interval.
Tensor squash(const Tensor& x, const Interval& interval) {
  return sin(x) * ((interval.high - interval.low) / 2) + (interval.high + interval.low) / 2;
}

Shape reversed(const Shape& shape) {
  std::vector<std::int64_t> dims(shape.begin(), shape.end());
  std::reverse(dims.begin(), dims.end());
  return Shape(dims);
}

Tensor with_reversed_axes(const Tensor& x) {
  std::vector<std::int64_t> axes;
  for (int axis = x.rank() - 1; axis >= 0; --axis) axes.push_back(axis);
  return permute(x, axes);
}

/// One that broadcasts to `shape`: without its first axis, or with extent 1 on its last.
Shape narrowed(const Shape& shape, std::uint32_t choice) {
  if (shape.rank() == 0 || choice % 3 == 0) return shape;
  return choice % 3 == 1 ? shape.erase(0) : shape.with(shape.rank() - 1, 1);
}

/// Of rank 0 to 3, up to 27 elements; without elements now and then.
Shape small_shape(std::uint32_t choice) {
  std::vector<std::int64_t> dims(choice % 4);
  choice /= 4;
  for (std::int64_t& extent : dims) {
    extent = choice % 10 == 0 ? 0 : 1 + choice % 3;
    choice /= 10;
  }
  return Shape(dims);
}

std::string attributes_text(const NamedValues& attributes) {
  std::string text;
  for (const auto& [name, value] : attributes) text += ", " + name + "=" + value;
  return text;
}

}  // namespace

void showValue(const Step& step, std::ostream& out) {
  out << fmt::format("{{{}, {}, {}, {}, {}}}", step.op, step.sample, step.first, step.second, step.shape);
}

rc::Gen<Program> programs(std::size_t least, std::size_t most) {
  const auto number = rc::gen::inRange<std::uint32_t>(0, 1 << 16);
  const auto step = rc::gen::build<Step>(rc::gen::set(&Step::op, number), rc::gen::set(&Step::sample, number),
                                         rc::gen::set(&Step::first, number), rc::gen::set(&Step::second, number),
                                         rc::gen::set(&Step::shape, number));
  const auto sized = rc::gen::mapcat(rc::gen::inRange(least, most + 1),
                                     [step](std::size_t count) { return rc::gen::container<Program>(count, step); });
  // Of any length from the first example on; what fails is shrunk by leaving out steps.
  return rc::gen::shrink(rc::gen::noShrink(rc::gen::resize(rc::kNominalSize, sized)),
                         [](const Program& program) { return rc::shrink::removeChunks(program); });
}

std::vector<Tensor> program_inputs(std::uint64_t seed, bool large) {
  Rng rng(seed);
  std::vector<Tensor> inputs;
  for (const Shape& shape : large ? std::vector<Shape>{{450, 400}, {400}} : std::vector<Shape>{{2, 3}, {4}, {}})
    inputs.push_back(rand(shape, -2, 2, f64, rng));
  return inputs;
}

void Machine::run(std::span<const Step> steps) {
  for (const Step& step : steps) {
    const auto& ops = differentiable_ops();
    const std::size_t choice = step.op % (ops.size() + kViews);
    if (choice >= ops.size())
      view(step);
    else if (ops[choice]->pointwise)
      pointwise(*ops[choice], step);
    else
      structural(*ops[choice], step);
  }
}

void Machine::add(const Tensor& result, const std::string& text) {
  // What is left out: results in f32, whose rounding would look like an error.
  const bool kept = result.dtype() == f64 && result.numel() > 0;
  if (result.dtype() == f64 && !kept) empty_.push_back(result);
  listing_ +=
      fmt::format("{} = {}: {}\n", kept ? "v" + std::to_string(variables_.size()) : "_", text, describe(result));
  if (kept) variables_.push_back(result);
}

void Machine::view(const Step& step) {
  const std::size_t from = index(step.first);
  const Tensor& x = variables_[from];
  const int axis = x.rank() ? static_cast<int>(step.second) % x.rank() : 0;
  switch (x.rank() ? step.sample % 5 : 4) {
    case 0:
      return add(with_reversed_axes(x), fmt::format("v{} with its axes reversed", from));
    case 1:
    case 2: {
      const std::array<std::int64_t, 4> steps{1, 2, -1, -2};
      const std::int64_t by = steps[step.shape % steps.size()];
      const std::int64_t start = by > 0 ? static_cast<std::int64_t>(step.shape / 4) % x.shape()[axis] : Slice::kEnd;
      return add(slice(x, axis, start, Slice::kEnd, by),
                 fmt::format("slice(v{}, axis={}, start={}, step={})", from, axis, start, by));
    }
    case 3:
      if (x.numel() <= 24 || large_)
        return add(select(x, axis, step.shape % x.shape()[axis]), fmt::format("select(v{}, {}, …)", from, axis));
      [[fallthrough]];
    default:
      if (x.numel() > 24) return;
      return add(broadcast_to(x, x.shape().insert(0, 2)), fmt::format("v{} twice along a new axis", from));
  }
}

void Machine::pointwise(const OpEntry& op, const Step& step) {
  const OpInfo& info = op.info();
  const Shape shape = large_ ? (step.shape % 2 ? Shape{450, 400} : Shape{3, 100, 600}) : small_shape(step.shape);
  std::vector<Tensor> inputs;
  std::string text;
  for (int i = 0; i < info.inputs.count; ++i) {
    const std::size_t from = index(i == 0 ? step.first : step.second + static_cast<std::uint32_t>(i));
    const Shape own = i == 0 ? shape : narrowed(shape, step.sample);
    const bool strided = (step.sample >> (4 + i)) & 1;
    Tensor x = fit(variables_[from], strided ? reversed(own) : own);
    x = info.masks.has(i) ? x > 0 : squash(x, info.domain.interval[i]);
    inputs.push_back(strided ? with_reversed_axes(x) : x);
    text += fmt::format("{}v{} as {}{}", i ? ", " : "", from, to_string(own), strided ? " reversed" : "");
  }
  // One tensor as two inputs, where both can take it.
  const auto& range = info.domain.interval;
  if (info.inputs.count == 2 && step.sample % 7 == 0 && range[0].low >= range[1].low &&
      range[0].high <= range[1].high) {
    inputs[1] = inputs[0];
    text += ", the second is the first";
  }
  add(op.call(inputs, {})[0], fmt::format("{}({})", info.name, text));
}

void Machine::structural(const OpEntry& op, const Step& step) {
  const std::vector<Sample>& samples = samples_of(op);
  const std::size_t which = step.sample % samples.size();
  const Sample& sample = samples[which];
  std::vector<Tensor> inputs = sample.inputs;
  std::string text;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined() || inputs[i].dtype() != f64 || op.record->input(i).fixed) continue;
    if (inputs[i].numel() == 0) continue;
    // Near the sample, where the op is defined.
    const std::size_t from = index(i == 0 ? step.first : step.second + static_cast<std::uint32_t>(i));
    inputs[i] = inputs[i].detach() * (sin(fit(variables_[from], inputs[i].shape())) * 0.1 + 1);
    text += fmt::format("{}v{} as {}", text.empty() ? "" : ", ", from, describe(inputs[i]));
  }
  add(testing::in_one(sample.call(inputs)),
      fmt::format("{}, sample {} at ({}{})", op.info().name, which, text, attributes_text(sample.attributes)));
}

Tensor Machine::total() const {
  Tensor total = scalar(0, f64);
  for (const Tensor& t : empty_) total = total + sum(t);
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    const Tensor& v = variables_[i];
    const Tensor weights = cos(arange(0, static_cast<double>(v.numel()) - 0.5, 1, f64) * 0.7 + static_cast<double>(i));
    total = total + mean(v * reshape(weights, v.shape()));
  }
  return total;
}

}  // namespace tapegrad::tests
