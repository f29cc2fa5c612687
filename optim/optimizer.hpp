#pragma once
// Optimizer: changes parameters by their gradients.

#include <string>
#include <tapegrad/core/named_tensors.hpp>
#include <tapegrad/nn/module.hpp>
#include <tapegrad/optim/rules.hpp>
#include <unordered_map>
#include <unordered_set>

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
  /// ValueError if the model has no parameter, as one whose layers were made without an owner.
  template <class R>
  Optimizer(const nn::Module& model, const R& rule) : Optimizer(parameters_of(model), rule) {}
  template <class R>
  Optimizer(NamedTensors parameters, const R& rule) {
    add(std::move(parameters), rule);
  }

  /// A further group, with a rule of its own. The parameters are floating leaves; they may be strided, as those on the
  /// memory of a matrix are. Throws ValueError, and adds nothing, if there are none, one shares its name or its memory
  /// with another, elements of one share memory, or the rule's learning rate or slots cannot be.
  template <class R>
  Optimizer& add(NamedTensors parameters, const R& rule) {
    add_group(std::move(parameters), make_rule(rule));
    return *this;
  }
  void add_group(NamedTensors parameters, std::shared_ptr<const Rule> rule);

  /// Changes, in place, each parameter that has a gradient; those without one are left as they are. ShapeError or
  /// DTypeError, before anything is changed, if a gradient is not of its parameter's shape or dtype.
  void step();
  /// Drops all gradients.
  void zero_grad();

  /// Calls of step() so far.
  std::int64_t steps() const { return steps_; }
  /// Multiplies the learning rates of all groups, as schedules do. ValueError unless it is finite and at least 0.
  void set_rate_factor(double factor);
  double rate_factor() const { return rate_factor_; }
  /// The learning rate of the next step. IndexError if there is no such group.
  double lr(std::size_t group = 0) const;

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
  static NamedTensors parameters_of(const nn::Module& model);
  static void start(Entry& entry);
  /// One parameter's part of a step, prepared so that making it needs no memory.
  struct Update {
    Entry* entry;
    Tensor values, gradient;
  };
  static void make(Update& update, double rate_factor);
  static NamedTensors state_of(const Entry& entry);

  std::vector<std::shared_ptr<const Rule>> groups_;
  std::vector<Entry> entries_;
  std::unordered_set<std::string> names_;
  std::unordered_map<const void*, std::string> memory_;  // whose it is
  std::int64_t steps_ = 0;
  double rate_factor_ = 1;
};

}  // namespace tapegrad::optim
