#pragma once
// Random programs over all differentiable ops of the registry: what an op does beside others, to inputs that other ops
// have computed. The same steps give the same program, and fewer of them still give one, so that RapidCheck can shrink
// what fails.

#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {
struct OpEntry;
}

namespace tapegrad::tests {

/// Choices, each taken modulo what there is to choose from.
struct Step {
  std::uint32_t op = 0, sample = 0, first = 0, second = 0, shape = 0;
};
void showValue(const Step& step, std::ostream& out);

using Program = std::vector<Step>;
/// Of at least `least` and at most `most` steps.
rc::Gen<Program> programs(std::size_t least, std::size_t most);

/// What a program runs on: variables, the inputs first, each step adding one at most.
class Machine {
 public:
  /// `large` shapes are such as run on several threads.
  explicit Machine(std::vector<Tensor> inputs, bool large = false) : variables_(std::move(inputs)), large_(large) {}

  void run(std::span<const Step> steps);
  /// A number that depends on every element of every variable.
  Tensor total() const;

  const std::vector<Tensor>& variables() const { return variables_; }
  /// The steps in words, a line each.
  const std::string& listing() const { return listing_; }

 private:
  void view(const Step& step);
  void pointwise(const OpEntry& op, const Step& step);
  void structural(const OpEntry& op, const Step& step);
  std::size_t index(std::uint32_t choice) const { return choice % variables_.size(); }
  void add(const Tensor& result, const std::string& text);

  std::vector<Tensor> variables_, empty_;
  bool large_;
  std::string listing_;
};

/// Inputs of a program, drawn from [-2, 2], f64.
std::vector<Tensor> program_inputs(std::uint64_t seed, bool large = false);

}  // namespace tapegrad::tests
