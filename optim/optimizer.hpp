#pragma once
// Optimizer: changes parameters by their gradients.

#include <string>
#include <tapegrad/core/named_tensors.hpp>
#include <tapegrad/nn/module.hpp>
#include <tapegrad/optim/rules.hpp>

namespace tapegrad::optim {

/// Groups of parameters, each with its rule and hyper-parameters:
///
///   optim::Optimizer optimizer(model, optim::Adam{.lr = 1e-3});
///   loss.backward();
///   optimizer.step();
///   optimizer.zero_grad();
class Optimizer {
 public:
  Optimizer() = default;
  Optimizer(Optimizer&&) noexcept = default;
  Optimizer& operator=(Optimizer&&) noexcept = default;
  template <class R>
  Optimizer(const nn::Module& model, const R& rule) : Optimizer(model.named_parameters(), rule) {}
  template <class R>
  Optimizer(NamedTensors parameters, const R& rule) {
    add(std::move(parameters), rule);
  }

  /// A further group, with a rule of its own. Throws ValueError if it shares a name or a tensor with another.
  template <class R>
  Optimizer& add(NamedTensors parameters, const R& rule) {
    add_group(std::move(parameters), make_rule(rule));
    return *this;
  }
  void add_group(NamedTensors parameters, std::shared_ptr<const Rule> rule);

  /// Changes, in place, each parameter that has a gradient; those without one are left as they are. DTypeError if a
  /// gradient's dtype is not its parameter's.
  void step();
  /// Drops all gradients.
  void zero_grad();

  /// Calls of step() so far.
  std::int64_t steps() const { return steps_; }
  /// Multiplies the learning rates of all groups, as schedules do.
  void set_rate_factor(double factor) { rate_factor_ = factor; }
  double rate_factor() const { return rate_factor_; }
  /// The learning rate of the next step.
  double lr(std::size_t group = 0) const { return groups_.at(group)->lr() * rate_factor_; }

  NamedTensors parameters() const;

  /// What it keeps between steps, by names such as "adam.m/encoder.weight"; moments are its own tensors. Saved with the
  /// parameters and loaded again, training goes on bit for bit.
  NamedTensors state() const;
  /// Throws one ValueError that lists all that is missing, unexpected (such as another rule's state), or of another
  /// shape or dtype; nothing is changed then.
  void load_state(const NamedTensors& given);

 private:
  struct Entry {
    std::string name;
    Tensor parameter;
    const Rule* rule = nullptr;
    std::vector<Tensor> slots;  // made at the first step
    std::int64_t steps = 0;
    bool started = false;
  };
  static void start(Entry& entry);
  static NamedTensors state_of(const Entry& entry);

  std::vector<std::shared_ptr<const Rule>> groups_;
  std::vector<Entry> entries_;
  std::int64_t steps_ = 0;
  double rate_factor_ = 1;
};

}  // namespace tapegrad::optim
