#pragma once
#include <functional>
#include <string>
#include <tapegrad/core/error.hpp>

namespace tapegrad::nn {

/// What `f` complains of.
inline std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace tapegrad::nn
