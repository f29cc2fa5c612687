#pragma once
// A record of everything a thread runs, for pictures and for finding out why a gradient is missing.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <unordered_map>
#include <vector>

namespace tapegrad {

/// While it lives, its thread records every operation, also those that no gradient goes through: under NoGrad, on
/// constants, and detach() itself; of a backward pass only what create_graph would record. Keeps the records of all
/// that was computed, also when an exception ends the program that was traced. Traces nest; the innermost one records.
class Trace {
 public:
  /// measurements: also every value, every gradient of a backward pass, and the time that each took. That holds as much
  /// memory as they have together.
  enum class Keep : std::uint8_t { records, measurements };

  /// What a Trace keeps of a value.
  struct Measured {
    Tensor value, gradient;  ///< undefined where there was none; the gradient is that of the last backward pass
    std::optional<double> seconds{}, gradient_seconds{};
  };

  /// The operation that threw, if one did.
  struct Failure {
    const OpRecord* op;
    std::vector<Node*> inputs;  ///< null for numbers
    std::string message;
  };

  explicit Trace(Keep keep = Keep::records);
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  /// What was computed, in order. The nodes live as long as the trace.
  std::span<Node* const> nodes() const { return nodes_; }
  const std::optional<Failure>& failure() const { return failure_; }
  /// What backward() or grad() was called on, once each. They live as long as the trace.
  std::span<Node* const> outputs() const { return outputs_; }

  /// What was kept of a value and its gradient; null if nothing was.
  const Measured* measured(const Node& node) const;

  /// The innermost trace of this thread, or null.
  static Trace* current();

  /// For those who run ops: adds a result; notes the operation that the exception in flight came from.
  void add(Node& result);
  /// For the backward pass: notes what it starts from.
  void add_output(Node& output);
  void fail(const OpRecord& op, std::span<const Tensor* const> inputs, std::string message);

  /// Takes the time of an operation for the innermost trace, if that keeps measurements.
  class Timer {
   public:
    Timer() : Timer(current()) {}
    explicit Timer(Trace* trace);
    /// The operation has given this result.
    Tensor stop(Tensor result) const;
    /// The backward pass has left this node, whose gradient that was.
    void stop(const Node& node, const Tensor& gradient) const;

   private:
    double seconds() const;
    Trace* trace_;  // null if it measures nothing
    std::chrono::steady_clock::time_point start_;
  };

 private:
  Trace* outer_;
  Keep keep_;
  std::vector<Node*> nodes_, outputs_;
  std::unordered_map<const Node*, Measured> measured_;
  std::optional<Failure> failure_;
};

/// The op of a detach() that was traced: no gradient goes through it.
extern const OpRecord kDetachRecord;

}  // namespace tapegrad
