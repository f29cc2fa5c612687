#pragma once

#include <string_view>
#include <tapegrad/core/language.hpp>

namespace tapegrad {

/// The version of the library that is linked, as "major.minor.patch".
std::string_view version() noexcept;

}  // namespace tapegrad
