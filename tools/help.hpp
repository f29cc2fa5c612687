#pragma once
// What commands are and take, in words: read off their declarations, for helps and manual pages.

#include <string>
#include <string_view>
#include <vector>

#include "terminal.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tapegrad::tools {

/// An argument, an option or a sub-command, as it is written and what it is.
struct HelpEntry {
  std::string term, text;
};

struct Help {
  std::string name;  ///< "tapegrad graph"
  std::string description, usage;
  std::vector<HelpEntry> arguments, options, commands;
  /// What stands below: a paragraph a line. Those that begin with spaces stay as they are: "  COMMAND    REMARK".
  std::vector<std::string> footer;
};

/// Whether a line of a footer stands over examples.
bool is_heading(std::string_view line);

Help help_of(const CLI::App& command);

/// "tapegrad graph diff".
std::string path_of(const CLI::App& command);
/// Its sub-commands but the hidden ones.
std::vector<const CLI::App*> commands_of(const CLI::App& command);
/// "FILE" or "down|right": what completion and messages call its value.
std::string kind_of(const CLI::Option& option);

/// As wide as the terminal.
std::string to_text(const Help& help, const Terminal& terminal);

}  // namespace tapegrad::tools
