#pragma once
// Gradients, and what is recorded for them.

#include <span>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

/// d(sum of outputs · cotangents)/d(inputs), without touching grad(). An undefined result means that an output does not
/// depend on that input. `cotangents` is empty (outputs then have one element each) or has one tensor an output; an
/// undefined one weights its output with 1.
std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> cotangents = {}, const BackwardOptions& options = {});
/// The same for one output and one input; zeros where it does not depend on it.
Tensor grad(const Tensor& output, const Tensor& input, const BackwardOptions& options = {});
/// And for several inputs: grad(loss, {a, b}), grad(loss, model.parameters()).
std::vector<Tensor> grad(const Tensor& output, const std::vector<Tensor>& inputs, const BackwardOptions& options = {});

/// Whether this thread records operations.
bool grad_enabled();

/// Turns recording on or off for this thread while it lives.
class GradMode {
 public:
  explicit GradMode(bool on);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};

/// Nothing is recorded on this thread while it lives.
class NoGrad : GradMode {
 public:
  NoGrad() : GradMode(false) {}
};

/// While it lives, the first op of this thread, forward or backward, whose result has a NaN or an infinity throws
/// AnomalyError with its name, shapes, scope and where that scope was opened. Costs a pass over each result.
class AnomalyMode {
 public:
  explicit AnomalyMode(bool on = true);
  ~AnomalyMode();
  AnomalyMode(const AnomalyMode&) = delete;
  AnomalyMode& operator=(const AnomalyMode&) = delete;
  static bool enabled();

 private:
  bool before_;
};

}  // namespace tapegrad
