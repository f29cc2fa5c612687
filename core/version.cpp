#include <tapegrad/core/version.hpp>

namespace tapegrad {

std::string_view version() noexcept { return TAPEGRAD_VERSION; }

}  // namespace tapegrad
