// tapegrad man: manual pages, made of what the helps are made of.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/version.hpp>

#include "commands.hpp"
#include "help.hpp"
#include "option_values.hpp"

namespace tapegrad::tools {
namespace {

/// The text as roff takes it: as it is.
std::string roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

/// "tapegrad-graph-diff".
std::string page_name(const CLI::App& command) {
  std::string name = path_of(command);
  std::ranges::replace(name, ' ', '-');
  return name;
}

void add_entries(std::string& page, std::string_view title, const std::vector<HelpEntry>& entries) {
  if (entries.empty()) return;
  page += fmt::format(".SH {}\n", title);
  for (const HelpEntry& entry : entries) page += fmt::format(".TP\n.B {}\n{}\n", roff(entry.term), roff(entry.text));
}

std::string man_page(const CLI::App& command) {
  const Help help = help_of(command);
  std::string title = page_name(command);
  std::ranges::transform(title, title.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string page =
      fmt::format(".TH {} 1 \"\" \"tapegrad {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B {}\n{}\n",
                  title, version(), page_name(command), roff(help.description), roff(help.name),
                  roff(help.usage.substr(std::min(help.name.size() + 1, help.usage.size()))));
  add_entries(page, "ARGUMENTS", help.arguments);
  add_entries(page, "OPTIONS", help.options);
  add_entries(page, "COMMANDS", help.commands);
  bool notes = false, example = false;
  for (const std::string& line : help.footer) {
    const bool indented = line.starts_with(' ');
    if (line.empty()) continue;
    if (example && !indented) page += ".EE\n";
    if (is_heading(line)) {
      page += ".SH EXAMPLES\n";
      notes = true;
    } else if (!notes) {
      page += ".SH NOTES\n";
      notes = true;
    } else if (!indented) {
      page += ".PP\n";
    }
    if (indented && !example) page += ".EX\n";
    example = indented;
    if (!is_heading(line)) page += roff(line) + '\n';
  }
  if (example) page += ".EE\n";
  std::string others;
  for (const CLI::App* inner : commands_of(command))
    others += fmt::format("{}.BR {} (1)", others.empty() ? "" : " ,\n", roff(page_name(*inner)));
  if (others.empty() && command.get_parent())
    others = fmt::format(".BR {} (1)", roff(page_name(*command.get_parent())));
  return page + ".SH SEE ALSO\n" + others + '\n';
}

void write_pages(const CLI::App& command, const std::filesystem::path& folder) {
  write_file(folder / (page_name(command) + ".1"), man_page(command));
  for (const CLI::App* inner : commands_of(command)) write_pages(*inner, folder);
}

}  // namespace

void add_man_command(CLI::App& app) {
  auto words = std::make_shared<std::vector<std::string>>();
  auto folder = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("man", "Print the manual page of a command, or write all");
  CLI::Option* of = command->add_option("command", *words, "Whose page: graph diff, say; tapegrad's own if left out");
  command->add_option("--out", *folder, "Folder to write the pages of all commands into")
      ->type_name(kFolder)
      ->excludes(of);
  command->footer(
      "Examples:\n"
      "  tapegrad man graph | man -l -\n"
      "  tapegrad man --out man1");
  command->callback([&app, words, folder] {
    if (!folder->empty()) {
      std::filesystem::create_directories(*folder);
      write_pages(app, *folder);
      return;
    }
    const CLI::App* at = &app;
    for (const std::string& word : *words) {
      const auto inner = commands_of(*at);
      const auto found = std::ranges::find(inner, word, [](const CLI::App* one) { return one->get_name(); });
      if (found == inner.end())
        throw CLI::ValidationError("command", fmt::format("{} has no '{}'", path_of(*at), word));
      at = *found;
    }
    std::cout << man_page(*at);
  });
}

}  // namespace tapegrad::tools
