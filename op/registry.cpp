#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/edit_distance.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/op/table.hpp>

namespace tapegrad {
namespace {

Tensor draw(const OpInfo& info, int input, const Shape& shape, Rng& rng) {
  if (info.masks.has(input)) {
    Tensor mask = empty(shape, boolean);
    for (bool& m : mask.mutable_data<bool>()) m = rng.uniform() < 0.5;
    return mask;
  }
  const Interval interval = info.domain.interval[input];
  return rand(shape, interval.low, interval.high, f64, rng);
}

Tensor transposed(const Tensor& t) {
  const Strides own = t.strides();
  const Strides swapped{own[1], own[0]};
  return make_view(t, Shape{t.shape()[1], t.shape()[0]}, &swapped, 0);
}

}  // namespace

const OpEntry& find_op(std::string_view name) {
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const OpEntry* entry : all_ops()) {
    if (entry->info().name == name) return *entry;
    near.emplace_back(edit_distance(name, entry->info().name), entry->info().name);
  }
  std::sort(near.begin(), near.end());
  throw ValueError("no op is called '" + std::string(name) + "'; the nearest are " + std::string(near[0].second) +
                   ", " + std::string(near[1].second) + " and " + std::string(near[2].second));
}

std::vector<Sample> pointwise_samples(const OpRecord& op, Rng& rng, void* (*attributes)(const NamedValues&)) {
  const OpInfo& info = *op.info;
  const int count = info.inputs.count;
  const auto run = [&op, attributes](std::span<const Tensor> inputs) {
    const std::vector<Operand> operands(inputs.begin(), inputs.end());
    return std::vector{call_pointwise(op, operands, attributes({}))};
  };
  std::vector<Sample> samples;
  const auto add = [&](auto shape_of) {
    Sample sample{{}, run, {}};
    for (int i = 0; i < count; ++i) sample.inputs.push_back(draw(info, i, shape_of(i), rng));
    samples.push_back(std::move(sample));
  };
  add([](int) { return Shape{3, 4}; });
  add([](int) { return Shape{}; });
  add([](int) { return Shape{0, 3}; });
  if (count > 1) {
    add([](int i) { return i % 2 == 0 ? Shape{2, 3, 1} : Shape{4}; });
    add([](int i) { return i % 2 == 0 ? Shape{} : Shape{2, 2}; });
  }
  add([](int) { return Shape{4, 3}; });
  for (Tensor& input : samples.back().inputs) input = transposed(input);

  // A number in place of one input.
  for (int at = 0; count == 2 && at < 2 && op.destroy_attributes == nullptr; ++at) {
    if (info.masks.has(at)) continue;
    const Interval interval = info.domain.interval[at];
    const double number = interval.low + 0.6 * (interval.high - interval.low);
    Sample sample{{draw(info, 1 - at, Shape{2, 3}, rng)},
                  [&op, at, number](std::span<const Tensor> inputs) {
                    const Operand tensor(inputs[0]), given(number);
                    const Operand operands[] = {at == 0 ? given : tensor, at == 0 ? tensor : given};
                    return std::vector{call_pointwise(op, operands, nullptr)};
                  },
                  {{std::string(info.inputs.name[at]), std::to_string(number)}}};
    samples.push_back(std::move(sample));
  }
  return samples;
}

std::vector<BadInput> pointwise_bad_inputs(const OpRecord& op, void* (*attributes)(const NamedValues&)) {
  const OpInfo& info = *op.info;
  const auto run = [&op, attributes](std::span<const Tensor> inputs) {
    const std::vector<Operand> operands(inputs.begin(), inputs.end());
    return std::vector{call_pointwise(op, operands, attributes({}))};
  };
  Rng rng(1);
  std::vector<BadInput> bad;
  bad.push_back({{}, run, std::string(info.name) + ": takes"});
  std::vector<Tensor> undefined(static_cast<std::size_t>(info.inputs.count));
  bad.push_back({undefined, run, "is undefined"});
  if (info.inputs.count > 1) {
    std::vector<Tensor> unequal;
    for (int i = 0; i < info.inputs.count; ++i) unequal.push_back(draw(info, i, Shape{i + 2, 5}, rng));
    bad.push_back({unequal, run, "shapes [2, 5] and [3, 5] do not broadcast"});
  }
  for (int i = 0; i < info.inputs.count; ++i)
    if (info.masks.has(i)) {
      std::vector<Tensor> unmasked;
      for (int j = 0; j < info.inputs.count; ++j) unmasked.push_back(ones({2}, f64));
      bad.push_back({unmasked, run, "not bool"});
      break;
    }
  return bad;
}

}  // namespace tapegrad
