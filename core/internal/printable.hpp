#pragma once
// Foreign text (names from files, file names, what a model learned) on its way to a terminal.

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace tapegrad {

/// `text` with nothing in it that a terminal obeys: control characters, line and paragraph separators, overrides of the
/// direction of writing and bytes that are not UTF-8 appear as "\x1B". Cut after `longest` bytes or so, with an
/// ellipsis. `keep` are characters that stay as they are, line breaks say.
std::string printable(std::string_view text, std::size_t longest = std::numeric_limits<std::size_t>::max(),
                      std::string_view keep = "");

}  // namespace tapegrad
