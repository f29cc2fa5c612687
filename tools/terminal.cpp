#include "terminal.hpp"

#include <fmt/color.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <iostream>

namespace tapegrad::tools {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets it
  return value ? value : "";
}

std::size_t columns_of(int descriptor, bool interactive) {
  constexpr std::size_t kUsual = 80, kOfFiles = 100;
  winsize size{};
  if (interactive && ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  std::size_t columns = 0;
  const std::string_view wanted = environment("COLUMNS");
  std::from_chars(wanted.data(), wanted.data() + wanted.size(), columns);
  return columns > 0 ? columns : interactive ? kUsual : kOfFiles;
}

}  // namespace

Terminal terminal_of(int descriptor) {
  const bool interactive = ::isatty(descriptor) == 1;
  return {.interactive = interactive,
          .columns = columns_of(descriptor, interactive),
          .colour = interactive && environment("NO_COLOR").empty() && environment("TERM") != "dumb"};
}

std::string styled(const Terminal& terminal, Style style, std::string_view text) {
  if (!terminal.colour || text.empty()) return std::string(text);
  const fmt::text_style bold = fmt::emphasis::bold;
  return fmt::format(style == Style::good  ? bold | fmt::fg(fmt::terminal_color::green)
                     : style == Style::bad ? bold | fmt::fg(fmt::terminal_color::red)
                                           : bold,
                     "{}", text);
}

void print_bold(std::string_view line) { std::cout << styled(terminal_of(STDOUT_FILENO), Style::bold, line) << '\n'; }

}  // namespace tapegrad::tools
