#pragma once
// A record of everything a thread runs, for pictures and for finding out why a gradient is missing.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

/// While it lives, its thread records every operation, also those that no gradient goes through: under NoGrad, on
/// constants, and detach() itself. Keeps the records, not the values, of all that was computed, also when an exception
/// ends the program that was traced. Traces nest; the innermost one records.
class Trace {
 public:
  /// The operation that threw, if one did.
  struct Failure {
    const OpRecord* op;
    std::vector<Node*> inputs;  ///< null for numbers
    std::string message;
  };

  Trace();
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  /// What was computed, in order. The nodes live as long as the trace.
  std::span<Node* const> nodes() const { return nodes_; }
  const std::optional<Failure>& failure() const { return failure_; }

  /// The innermost trace of this thread, or null.
  static Trace* current();

  /// For those who run ops: adds a result; notes the operation that the exception in flight came from.
  void add(Node& result);
  void fail(const OpRecord& op, std::span<const Tensor* const> inputs, std::string message);

 private:
  Trace* outer_;
  std::vector<Node*> nodes_;
  std::optional<Failure> failure_;
};

/// The op of a detach() that was traced: no gradient goes through it.
extern const OpRecord kDetachRecord;

}  // namespace tapegrad
