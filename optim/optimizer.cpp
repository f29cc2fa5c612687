#include <tapegrad/core/record.hpp>
#include <tapegrad/optim/optimizer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/optim/internal/checks.hpp>
#include <unordered_set>

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

void require_rule(const Rule* rule) {
  if (!rule) throw ValueError("Optimizer: make_rule gave no rule");
  if (rule->name().empty()) throw ValueError("Optimizer: the rule has no name");
  if (!(rule->lr() >= 0) || !std::isfinite(rule->lr()))
    throw ValueError(fmt::format("Optimizer: the learning rate of {} is {}; it must be finite and at least 0",
                                 rule->name(), rule->lr()));
  std::unordered_set<std::string_view> names{kSteps};
  for (const std::string_view slot : rule->slots())
    if (!names.insert(slot).second)
      throw ValueError(fmt::format("Optimizer: {} has two slots named '{}'", rule->name(), slot));
}

}  // namespace

NamedTensors Optimizer::parameters_of(const nn::Module& model) {
  NamedTensors parameters = model.named_parameters();
  if (parameters.empty())
    throw ValueError(
        fmt::format("Optimizer: {} has no parameters; each layer in it needs its owner and a name, as in "
                    "nn::Linear out{{*this, \"out\", 8, 2}}",
                    model.describe()));
  return parameters;
}

void Optimizer::add_group(NamedTensors parameters, std::shared_ptr<const Rule> rule) {
  require_rule(rule.get());
  if (parameters.empty()) throw ValueError(fmt::format("Optimizer: a group of {} has no parameters", rule->name()));
  // All is checked before any is added.
  std::unordered_set<std::string> names;
  std::unordered_map<const void*, std::string> memory;
  for (const auto& [name, tensor] : parameters) {
    require_trainable("Optimizer", name, tensor);
    if (names_.contains(name) || !names.insert(name).second)
      throw ValueError(fmt::format("Optimizer: there are two parameters named '{}'", name));
    if (tensor.numel() == 0) continue;
    const void* data = engine::node_of(tensor).data;
    const auto there = memory_.find(data);
    if (const auto [place, is_new] = memory.emplace(data, name); there != memory_.end() || !is_new)
      throw ValueError(fmt::format(
          "Optimizer: '{}' shares its memory with '{}', and would be changed twice a step; give one of them, "
          "or a clone()",
          name, is_new ? there->second : place->second));
  }
  names_.merge(std::move(names));
  memory_.merge(std::move(memory));
  for (auto& [name, tensor] : parameters)
    entries_.push_back({std::move(name), std::move(tensor), rule.get(), {}, 0, false});
  groups_.push_back(std::move(rule));
}

void Optimizer::set_rate_factor(double factor) {
  if (!(factor >= 0) || !std::isfinite(factor))
    throw ValueError(
        fmt::format("Optimizer: the factor of the learning rate is {}; it must be finite and at least 0", factor));
  rate_factor_ = factor;
}

double Optimizer::lr(std::size_t group) const {
  if (group >= groups_.size()) throw IndexError(fmt::format("Optimizer: group {} of {}", group, groups_.size()));
  return groups_[group]->lr() * rate_factor_;
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
  std::vector<Update> updates;
  for (Entry& entry : entries_) {
    if (!entry.parameter.requires_grad()) continue;
    updates.push_back({&entry, {}, entry.parameter.grad()});
    if (const Tensor& gradient = updates.back().gradient; gradient.defined())
      require_fitting("Optimizer", entry.name, entry.parameter, gradient);
  }
  for (Update& update : updates) {
    start(*update.entry);
    if (!update.gradient.defined()) continue;
    // Rules write row-major memory; a strided parameter is changed in a copy, which goes back.
    update.values = update.entry->parameter.contiguous();
    update.gradient = update.entry->rule->prepared(update.gradient);
  }
  for (Update& update : updates)
    if (update.gradient.defined()) make(update, rate_factor_);
  ++steps_;
}

void Optimizer::make(Update& update, double rate_factor) {
  Entry& entry = *update.entry;
  const Tensor before = update.values;
  entry.rule->update(update.values, update.gradient, entry.slots, {entry.steps + 1, rate_factor});
  const bool slots_fit = std::ranges::all_of(entry.slots, [&](const Tensor& slot) {
    return slot.defined() && slot.shape() == before.shape() && slot.dtype() == before.dtype();
  });
  if (!update.values.same_as(before) || entry.slots.size() != entry.rule->slots().size() || !slots_fit)
    throw ValueError(fmt::format("Optimizer: {} replaced the parameter '{}' or a slot of it; a rule writes into them",
                                 entry.rule->name(), entry.name));
  if (!entry.parameter.is_contiguous()) entry.parameter.copy_from(update.values);
  ++entry.steps;
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
  std::unordered_map<std::string_view, const Tensor*> by_name;
  for (const auto& [name, tensor] : given) by_name.emplace(name, &tensor);
  // The new state is complete before the old one goes.
  std::vector<Entry> loaded = entries_;
  const Tensor steps = count_tensor(0);
  NamedTensors expected{{kSteps, steps}};
  std::vector<Tensor> entry_steps(loaded.size());
  const auto given_steps = by_name.find(kSteps);
  const bool any_steps =
      given_steps != by_name.end() && given_steps->second->numel() == 1 && given_steps->second->item() > 0;
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    Entry& entry = loaded[i];
    entry.slots.clear();
    entry.steps = 0;
    entry.started = false;
    // Frozen parameters may have no state, whether the ones here are frozen now or those that were saved were then.
    const bool has_state = by_name.contains(state_name(*entry.rule, kSteps, entry.name));
    if (!has_state && !(any_steps && entry.parameter.requires_grad())) continue;
    start(entry);
    NamedTensors state = state_of(entry);
    entry_steps[i] = state[0].tensor;
    std::ranges::move(state, std::back_inserter(expected));
  }
  overwrite(expected, given, "Optimizer::load_state");
  for (const auto& [name, tensor] : expected)
    if (tensor.dtype() == i64 && tensor.item() < 0)
      throw ValueError(
          fmt::format("Optimizer::load_state: '{}' is {}; a count of steps is not negative", name, tensor.item()));
  for (std::size_t i = 0; i < loaded.size(); ++i)
    if (loaded[i].started) loaded[i].steps = static_cast<std::int64_t>(entry_steps[i].item());
  steps_ = static_cast<std::int64_t>(steps.item());
  entries_ = std::move(loaded);
}

}  // namespace tapegrad::optim
