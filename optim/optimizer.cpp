#include <tapegrad/optim/optimizer.hpp>

#include <fmt/format.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <unordered_map>

namespace tapegrad::optim {
namespace {

constexpr const char* kSteps = "steps";

std::string state_name(const Rule& rule, std::string_view what, std::string_view parameter) {
  return fmt::format("{}.{}/{}", rule.name(), what, parameter);
}

Tensor count_tensor(std::int64_t count) {
  Tensor t = empty({}, i64);
  t.mutable_data<std::int64_t>()[0] = count;
  return t;
}

}  // namespace

void Optimizer::add_group(NamedTensors parameters, std::shared_ptr<const Rule> rule) {
  std::unordered_map<std::string_view, const Entry*> names;
  std::unordered_map<const Node*, const Entry*> leaves;
  const auto know = [&](const Entry& entry) {
    names.emplace(entry.name, &entry);
    leaves.emplace(&entry.parameter.node(), &entry);
  };
  entries_.reserve(entries_.size() + parameters.size());
  for (const Entry& entry : entries_) know(entry);
  for (auto& [name, tensor] : parameters) {
    if (!tensor.is_leaf() || !is_floating(tensor.dtype()))
      throw ValueError(fmt::format("Optimizer: '{}', {}, is not a floating leaf", name, describe(tensor)));
    const auto same_name = names.find(name);
    const auto same_leaf = leaves.find(&tensor.node());
    if (same_name != names.end() || same_leaf != leaves.end()) {
      const Entry* twin = same_leaf != leaves.end() ? same_leaf->second : same_name->second;
      throw ValueError(fmt::format("Optimizer: '{}' is '{}', which it has already", name, twin->name));
    }
    know(entries_.emplace_back(Entry{std::move(name), std::move(tensor), rule.get(), {}, 0, false}));
  }
  groups_.push_back(std::move(rule));
}

void Optimizer::start(Entry& entry) {
  if (entry.started) return;
  std::vector<Tensor> slots;
  for (std::size_t i = 0; i < entry.rule->slots().size(); ++i)
    slots.push_back(zeros(entry.parameter.shape(), entry.parameter.dtype()));
  entry.slots = std::move(slots);
  entry.started = true;
}

void Optimizer::step() {
  // What can fail comes before the first change: a step is made as a whole or not at all.
  std::vector<std::pair<Entry*, Tensor>> updates;
  for (Entry& entry : entries_) {
    if (!entry.parameter.requires_grad()) continue;
    start(entry);
    const Tensor gradient = entry.parameter.grad();
    if (!gradient.defined()) continue;
    if (gradient.dtype() != entry.parameter.dtype())
      throw DTypeError(fmt::format("Optimizer: the gradient of '{}' is {}, the parameter {}", entry.name,
                                   name_of(gradient.dtype()), name_of(entry.parameter.dtype())));
    updates.emplace_back(&entry, entry.rule->prepared(gradient));
  }
  for (auto& [entry, gradient] : updates)
    entry->rule->update(entry->parameter, gradient, entry->slots, {++entry->steps, rate_factor_});
  ++steps_;
}

void Optimizer::zero_grad() {
  for (Entry& entry : entries_) entry.parameter.clear_grad();
}

NamedTensors Optimizer::parameters() const {
  NamedTensors all;
  for (const Entry& entry : entries_) all.push_back({entry.name, entry.parameter});
  return all;
}

NamedTensors Optimizer::state_of(const Entry& entry) {
  NamedTensors state{{state_name(*entry.rule, kSteps, entry.name), count_tensor(entry.steps)}};
  for (std::size_t i = 0; i < entry.slots.size(); ++i)
    state.push_back({state_name(*entry.rule, entry.rule->slots()[i], entry.name), entry.slots[i]});
  return state;
}

NamedTensors Optimizer::state() const {
  NamedTensors all{{kSteps, count_tensor(steps_)}};
  for (const Entry& entry : entries_)
    if (entry.started)
      for (NamedTensor& tensor : state_of(entry)) all.push_back(std::move(tensor));
  return all;
}

void Optimizer::load_state(const NamedTensors& given) {
  // The new state is complete before the old one goes.
  std::vector<Entry> loaded = entries_;
  NamedTensors expected{{kSteps, count_tensor(0)}};
  const Tensor* steps = find(given, kSteps);
  const bool any_steps = steps && steps->numel() == 1 && steps->item() > 0;
  for (Entry& entry : loaded) {
    entry.slots.clear();
    entry.started = false;
    // Frozen parameters may have no state, whether the ones here are frozen now or those that were saved were then.
    const bool has_state = find(given, state_name(*entry.rule, kSteps, entry.name)) != nullptr;
    if (!has_state && !(any_steps && entry.parameter.requires_grad())) continue;
    start(entry);
    for (NamedTensor& tensor : state_of(entry)) expected.push_back(std::move(tensor));
  }
  overwrite(expected, given, "Optimizer::load_state");
  for (const auto& [name, tensor] : expected)
    if (tensor.dtype() == i64 && tensor.item() < 0)
      throw ValueError(
          fmt::format("Optimizer::load_state: '{}' is {}; a count of steps is not negative", name, tensor.item()));
  for (Entry& entry : loaded)
    entry.steps = entry.started
                      ? static_cast<std::int64_t>(find(expected, state_name(*entry.rule, kSteps, entry.name))->item())
                      : 0;
  steps_ = static_cast<std::int64_t>(find(expected, kSteps)->item());
  entries_ = std::move(loaded);
}

}  // namespace tapegrad::optim
