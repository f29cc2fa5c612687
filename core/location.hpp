#pragma once
// Location: a place in a program's source.

#include <tapegrad/core/language.hpp>

namespace tapegrad {

/// A file and a line; std::source_location without the function, which clang 14 does not have.
struct Location {
  const char* file = "";
  unsigned line = 0;

  /// The caller's; as a default argument, the place of the call that leaves it out.
  static constexpr Location here(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

}  // namespace tapegrad
