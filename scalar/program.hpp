#pragma once
// A function that is recorded once and carried out many times: a list of instructions, each on a vector of samples, on
// several threads. Derivatives are functions like any other, so that it replays a gradient or a Hessian as well.
//
//   const Program program([&](const auto& x) { return gradient(f, x); }, at);
//   std::vector<double> g = program(x);              // at another x
//   std::vector<double> all = program(thousand_xs);  // of each sample, one after the other
//
// Its numbers are those that recording anew gives. A comparison that would go another way than when it was recorded
// leads into code that nobody recorded: such a sample is refused.

#include <string_view>
#include <tapegrad/scalar/derivatives.hpp>
#include <tapegrad/scalar/traced.hpp>
#include <unordered_map>

namespace tapegrad::scalars {

/// A function of numbers, recorded once and run as often as wanted.
class Program {
 public:
  /// Records f, which takes a const std::vector<T>& and returns a T or a std::vector<T>, for T = Traced.
  template <class F>
  Program(const F& f, const std::vector<double>& at);

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_.size(); }
  /// What a replay carries out: nothing that no output needs.
  std::size_t instructions() const { return instructions_.size(); }
  std::size_t comparisons() const { return comparisons_.size(); }
  /// Bytes that a thread needs.
  std::size_t bytes() const { return slots_ * sizeof(double) * detail::kSamples; }

  /// The outputs for the inputs of one sample, or of several, one after the other. ValueError that names the sample and
  /// the comparison where one went another way.
  std::vector<double> operator()(std::span<const double> inputs) const;
  std::vector<double> operator()(const std::vector<double>& inputs) const { return (*this)(std::span(inputs)); }

  /// The same into memory of the caller's. Samples in which a comparison went another way have NaN as their outputs,
  /// and are returned, in order, to be recorded anew.
  std::vector<std::size_t> replay(std::span<const double> inputs, std::span<double> outputs) const;

 private:
  friend class detail::Recorder;
  struct Instruction {
    detail::Kernel kernel;
    Index operands[detail::kMostOperands];  ///< the slots of a sample's numbers
    Index result;
    std::int32_t comparison;  ///< -1 for none
  };
  struct Comparison {
    std::string_view relation;
    double a, b;  ///< as recorded
    bool holds;
  };
  struct Constant {
    Index slot;
    double value;
  };
  struct Divergence {
    std::size_t sample;
    std::size_t comparison;
  };

  Program() = default;
  std::vector<Divergence> run(std::span<const double> inputs, std::span<double> outputs) const;
  void run_block(double* slots, std::span<const double> inputs, std::span<double> outputs,
                 std::int32_t (&diverged)[detail::kSamples]) const;
  std::size_t samples_of(std::span<const double> inputs, std::size_t outputs) const;

  std::size_t inputs_ = 0, slots_ = 0;
  std::vector<Instruction> instructions_;
  std::vector<Comparison> comparisons_;
  std::vector<Constant> constants_;
  std::vector<Index> outputs_;
};

namespace detail {

/// What this thread writes down, while it lives.
class Recorder {
 public:
  Recorder();
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  Traced input(double value);
  Program finish(std::span<const Traced> outputs) const;

 private:
  friend Traced trace(Kernel kernel, std::span<const Traced> operands, double value);
  friend bool trace_relation(std::string_view relation, Kernel kernel, const Traced& a, const Traced& b, bool holds);
  /// A number: an input, a constant or the result of an instruction.
  struct Entry {
    Kernel kernel = nullptr;
    Index operands[kMostOperands]{};
    std::uint8_t count = 0;
    std::int32_t comparison = -1;
    double value = 0;  ///< of a constant
  };
  static Recorder& current();
  Index number(const Traced& x);
  Index add(Kernel kernel, std::span<const Traced> operands);

  Recorder* enclosing_;
  Epoch epoch_ = new_epoch();
  std::size_t inputs_ = 0;
  std::vector<Entry> entries_{1};                       // by index; there is no 0
  std::unordered_map<std::uint64_t, Index> constants_;  // by their bits
  std::vector<Program::Comparison> comparisons_;
};

}  // namespace detail

template <class F>
Program::Program(const F& f, const std::vector<double>& at) {
  detail::Recorder recorder;
  std::vector<Traced> inputs;
  inputs.reserve(at.size());
  for (const double x : at) inputs.push_back(recorder.input(x));
  *this = recorder.finish(detail::results_of(f(inputs)));
}

}  // namespace tapegrad::scalars
