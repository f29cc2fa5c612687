#pragma once
// Where output goes: how wide that is, and whether it shows colours.

#include <cstddef>
#include <string>
#include <string_view>

namespace tapegrad::tools {

struct Terminal {
  bool interactive = false;
  std::size_t columns = 100;
  bool colour = false;
};

/// Of a file descriptor. Columns are the window's; else those of COLUMNS; else 80 of a terminal and 100 of a file.
/// Colour and bold are for terminals where NO_COLOR (https://no-color.org) is empty and TERM is not dumb.
Terminal terminal_of(int descriptor);

enum class Style { bold, good, bad };
/// The text, styled where there is colour.
std::string styled(const Terminal& terminal, Style style, std::string_view text);
/// A line of standard output that a reader looks for: bold on a terminal.
void print_bold(std::string_view line);

}  // namespace tapegrad::tools
