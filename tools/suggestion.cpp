#include "suggestion.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <tapegrad/core/edit_distance.hpp>
#include <tapegrad/core/internal/printable.hpp>

#include "help.hpp"

namespace tapegrad::tools {
namespace {

// The sub-command that the words before the mistake lead to.
const CLI::App& innermost(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
  return *at;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* inner : command.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(inner->get_name());
  return names;
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& words) {
  // A third of the letters may be wrong, as far as that is not another word.
  std::size_t nearest = std::max<std::size_t>(2, word.size() / 3) + 1;
  const std::string* found = nullptr;
  for (const std::string& candidate : words) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= nearest || distance >= candidate.size()) continue;
    nearest = distance;
    found = &candidate;
  }
  return found ? fmt::format("; did you mean '{}'?", printable(*found)) : "";
}

std::string complaint(const CLI::App& app, std::string_view what) {
  const CLI::App& command = innermost(app);
  std::string text = printable(what);
  for (const std::string& word : app.remaining(true)) {
    const std::string name = word.substr(0, word.find('='));
    const std::string near = did_you_mean(name, name.starts_with('-') ? option_names(command) : command_names(command));
    if (near.empty()) continue;
    text = fmt::format("'{}' is not known{}", printable(name), near);
    break;
  }
  return fmt::format("{}{} see {} --help", text, text.ends_with('?') ? "" : ";", path_of(command));
}

}  // namespace tapegrad::tools
