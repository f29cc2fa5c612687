#include "help.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::tools {
namespace {

using graph::display_width;
using graph::wrapped;

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  if (names.empty()) names.push_back(option.get_name(true));
  return names;
}

/// "--size NUMBER NUMBER", "--hidden NUMBER...", "data".
std::string term_of(const CLI::Option& option) {
  std::string term = fmt::format("{}", fmt::join(names_of(option), ", "));
  if (option.get_items_expected_max() == 0) return term;  // a flag
  const bool any_number = option.get_expected_max() >= CLI::detail::expected_max_vector_size;
  if (option.nonpositional())
    for (int i = 0; i < (any_number ? 1 : option.get_items_expected_min()); ++i) term += " " + kind_of(option);
  return any_number ? term + "..." : term;
}

/// "[512,256]" as it is typed: "512 256".
std::string default_of(const CLI::Option& option) {
  std::string text = option.get_default_str();
  if (!text.starts_with('[') || !text.ends_with(']')) return text;
  text = text.substr(1, text.size() - 2);
  std::ranges::replace(text, ',', ' ');
  return text;
}

HelpEntry entry_of(const CLI::Option& option) {
  std::vector<std::string> notes;
  const std::string type = option.get_type_name();
  if (const std::size_t limits = type.find(':'); limits != std::string::npos) notes.push_back(type.substr(limits + 1));
  if (option.get_required()) notes.emplace_back("required");
  if (const std::string value = default_of(option); !value.empty()) notes.push_back("default " + value);
  std::vector<std::string> others;
  for (const CLI::Option* other : option.get_excludes()) others.push_back(names_of(*other).back());
  if (!others.empty()) notes.push_back(fmt::format("not with {}", fmt::join(others, ", ")));
  const std::string& text = option.get_description();
  return {term_of(option),
          notes.empty() ? text : fmt::format("{}{}({})", text, text.empty() ? "" : " ", fmt::join(notes, "; "))};
}

constexpr char kSpace = '\x1F';  // stands for a space that lines are not broken at

/// "-f, --format mermaid|dot|svg" in lines of at most `width` columns, broken after bars.
std::vector<std::string> wrapped_term(std::string_view term, std::size_t width) {
  std::string text;
  for (const char c : term) text += c == ' ' ? std::string(1, kSpace) : c == '|' ? "| " : std::string(1, c);
  std::vector<std::string> lines = wrapped(text, width);
  for (std::string& line : lines) {
    std::erase(line, ' ');
    std::ranges::replace(line, kSpace, ' ');
  }
  return lines;
}

/// The words of a command in lines of at most `width` columns; what is in quotes stays together.
std::vector<std::string> wrapped_command(std::string command, std::size_t width) {
  for (bool quoted = false; char& c : command) {
    if (c == '"' || c == '\'') quoted = !quoted;
    if (quoted && c == ' ') c = kSpace;
  }
  std::vector<std::string> lines = wrapped(command, width);
  for (std::string& line : lines) std::ranges::replace(line, kSpace, ' ');
  return lines;
}

std::vector<std::string> paragraphs_of(std::string_view text) {
  std::vector<std::string> paragraphs;
  for (bool goes_on = false; !text.empty();) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool prose = !line.empty() && !line.starts_with(' '), heading = is_heading(line);
    if (prose && goes_on && !heading)
      paragraphs.back() += ' ' + line;
    else
      paragraphs.push_back(line);
    goes_on = prose && !heading;
  }
  return paragraphs;
}

/// Writes a help as wide as a terminal.
class Layout {
 public:
  explicit Layout(const Terminal& terminal)
      : terminal_(terminal), width_(std::max<std::size_t>(terminal.columns, 20)), text_at_(width_ < 60 ? 6 : 28) {}

  void heading(std::string_view text) { out_ += '\n' + styled(terminal_, Style::bold, text) + '\n'; }

  void gap() { out_ += '\n'; }

  void paragraph(std::string_view text, std::size_t indent = 0) {
    for (const std::string& line : wrapped(text, width_ - indent)) out_ += std::string(indent, ' ') + line + '\n';
  }

  /// The term, and its text beside it, or below it where there is no room.
  void entry(const HelpEntry& entry) {
    std::string begin = "  " + entry.term;
    std::vector<std::string> lines = wrapped(entry.text, width_ - text_at_);
    if (display_width(begin) + 2 > text_at_ || lines.empty()) {
      const std::vector<std::string> terms = wrapped_term(entry.term, width_ - 4);
      for (std::size_t i = 0; i < terms.size(); ++i) out_ += (i == 0 ? "  " : "    ") + terms[i] + '\n';
      begin.clear();
    }
    for (const std::string& line : lines) {
      out_ += begin + std::string(text_at_ - display_width(begin), ' ') + line + '\n';
      begin.clear();
    }
  }

  void entries(std::string_view title, const std::vector<HelpEntry>& all) {
    if (all.empty()) return;
    heading(title);
    for (const HelpEntry& one : all) entry(one);
  }

  /// "  COMMAND    REMARK": the command goes over several lines as a shell takes it, the remark below it if need be.
  void example(std::string_view line) {
    const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
    const std::size_t gap = std::min(line.find("  ", begin), line.size());
    if (display_width(line) <= width_ || begin == line.size()) {
      out_ += std::string(line) + '\n';
      return;
    }
    const std::vector<std::string> parts =
        wrapped_command(std::string(line.substr(begin, gap - begin)), width_ - begin - 4);
    for (std::size_t i = 0; i < parts.size(); ++i)
      out_ += fmt::format("{}{}{}\n", std::string(begin + (i == 0 ? 0 : 2), ' '), parts[i],
                          i + 1 < parts.size() ? " \\" : "");
    if (const std::size_t remark = line.find_first_not_of(' ', gap); remark != std::string_view::npos)
      paragraph(line.substr(remark), begin + 4);
  }

  const std::string& text() const { return out_; }

 private:
  const Terminal& terminal_;
  std::size_t width_, text_at_;
  std::string out_;
};

}  // namespace

bool is_heading(std::string_view line) { return line.starts_with("Example"); }

std::string path_of(const CLI::App& command) {
  return command.get_parent() ? path_of(*command.get_parent()) + " " + command.get_name() : command.get_name();
}

std::vector<const CLI::App*> commands_of(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); });
}

std::string kind_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::string kind = type.substr(0, type.find(':'));
  return kind == "INT" || kind == "UINT" || kind == "FLOAT" ? "NUMBER" : kind;
}

Help help_of(const CLI::App& command) {
  Help help;
  help.name = help.usage = path_of(command);
  help.description = command.get_description();
  for (const CLI::App* inner : commands_of(command))
    help.commands.push_back({inner->get_name(), inner->get_description()});
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;
    (option->nonpositional() ? help.options : help.arguments).push_back(entry_of(*option));
  }
  if (!help.options.empty()) help.usage += " [OPTIONS]";
  for (const CLI::Option* option : command.get_options()) {
    if (option->nonpositional()) continue;
    const std::string term = term_of(*option);
    help.usage += ' ' + (option->get_required() ? term : '[' + term + ']');
  }
  if (!help.commands.empty())
    help.usage += command.get_require_subcommand_min() == 0 && command.get_parent() ? " [COMMAND]" : " COMMAND";
  help.footer = paragraphs_of(command.get_footer());
  return help;
}

std::string to_text(const Help& help, const Terminal& terminal) {
  Layout layout(terminal);
  layout.paragraph(help.description);
  layout.paragraph("Usage: " + help.usage);
  layout.entries("Arguments:", help.arguments);
  layout.entries("Options:", help.options);
  layout.entries("Commands:", help.commands);
  if (!help.footer.empty() && !is_heading(help.footer.front())) layout.gap();
  for (const std::string& line : help.footer) {
    if (line.starts_with(' '))
      layout.example(line);
    else if (is_heading(line))
      layout.heading(line);
    else
      layout.paragraph(line);
  }
  return layout.text();
}

}  // namespace tapegrad::tools
