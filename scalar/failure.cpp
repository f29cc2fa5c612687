#include <string>
#include <tapegrad/core/error.hpp>
#include <tapegrad/scalar/failure.hpp>

namespace tapegrad::scalars::detail {

void fail_stale() {
  throw GraphError(
      "scalar: a value was used whose recording has ended or was rewound, or that another thread recorded; make it an "
      "input of this recording, or take its value()");
}

void fail_enclosing() {
  throw GraphError(
      "scalar: a value of an enclosing recording was used in an inner one, whose gradients cannot depend on it; take "
      "its "
      "value() if it is a constant there, or nest the types, Active<Active<double>>, to differentiate twice");
}

void fail_constant() {
  throw GraphError("scalar: a constant was given for a value of the tape; it depends on no input of a recording");
}

void fail_position() {
  throw GraphError(
      "scalar: the position is not one of this recording, or it was rewound to an earlier one; ask for position() "
      "again");
}

void fail_full() {
  throw GraphError(
      "scalar: the tape is full, at 4294967295 statements; record in parts, each with a recording of its own");
}

void fail_memory(std::size_t bytes) {
  throw MemoryError("scalar: no memory for " + std::to_string(bytes) +
                    " bytes of the tape; record in parts, each with a recording of its own");
}

void fail_size(const char* what, std::size_t given, std::size_t expected) {
  throw ValueError("scalar: " + std::string(what) + " has " + std::to_string(given) + " elements, not " +
                   std::to_string(expected));
}

}  // namespace tapegrad::scalars::detail
