#pragma once

#include <stdexcept>
#include <string>
#include <tapegrad/core/error.hpp>

namespace tapegrad {

/// What `action` throws of type E, as text; any other outcome fails the test.
template <class E = Error, class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  throw std::runtime_error("nothing was thrown");
}

}  // namespace tapegrad
