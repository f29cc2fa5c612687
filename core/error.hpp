#pragma once
// The exceptions of the library. Nothing in it prints, aborts or exits: every failure is one of these, whose text says
// what was being done, with which arguments, what was expected, and what to do about it.

#include <stdexcept>
#include <string>
#include <tapegrad/core/language.hpp>

namespace tapegrad {

/// Base of all exceptions thrown by tapegrad.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes that do not fit an operation or each other.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A dtype that an operation does not take, or that would lose values.
class DTypeError : public Error {
 public:
  using Error::Error;
};

/// An argument or attribute outside its domain: an axis, a rate, a name.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// An index outside its tensor.
class IndexError : public Error {
 public:
  using Error::Error;
};

/// Memory that the system, or memory::set_limit(), does not grant. No std::bad_alloc: what had std::exception as a base
/// twice would not be caught as one.
class MemoryError : public Error {
 public:
  using Error::Error;
};

/// Misuse of the recorded graph: a released graph, a saved value changed in place, one graph in two threads.
class GraphError : public Error {
 public:
  using Error::Error;
};

/// A NaN or an infinity found by anomaly mode.
class AnomalyError : public Error {
 public:
  using Error::Error;
};

/// A training whose loss became NaN or infinite.
class DivergenceError : public Error {
 public:
  using Error::Error;
};

/// A file that cannot be read or written, or whose content is not what it should be: names the file, and the line or
/// byte.
class IoError : public Error {
 public:
  using Error::Error;
};

/// An external program (Graphviz's dot, say) that is missing, failed or took too long.
class ProcessError : public Error {
 public:
  using Error::Error;
};

}  // namespace tapegrad
