#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/internal/mermaid_limits.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front()))) line.remove_prefix(1);
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.remove_suffix(1);
  return line;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
  text.remove_prefix(line.size());
  return line;
}

// Without a byte order mark, and with LF alone as the end of lines, as Mermaid reads it.
std::string with_plain_lines(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    result += text[i] == '\r' ? '\n' : text[i];
  }
  return result;
}

// What Mermaid takes away before it counts: front matter, %%{directives}%%, and lines that are comments.
std::string without_remarks(std::string_view text) {
  if (trimmed(text.substr(0, text.find('\n'))) == "---") {
    std::string_view rest = text;
    take_line(rest);
    while (!rest.empty()) {
      if (trimmed(take_line(rest)) != "---") continue;
      text = rest;
      break;
    }
  }
  std::string result;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    for (std::size_t open; (open = line.find("%%{")) != std::string_view::npos;) {
      const std::size_t close = line.find("}%%", open);
      result += line.substr(0, open);
      line = close == std::string_view::npos ? std::string_view{} : line.substr(close + 3);
    }
    if (!trimmed(line).starts_with("%%")) result += line;
  }
  return std::string(trimmed(result));
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Counts the edges of the statements of a flowchart.
class EdgeCounter {
 public:
  std::size_t count(std::string_view text) {
    std::string_view line = take_line(text);
    if (!is_flowchart(take_statement(line))) return 0;
    for (;; line = take_line(text)) {
      line = trimmed(line);
      if (line.starts_with("accDescr") && line.find('{') != std::string_view::npos) {
        skip_to(text, line, '}');
      } else if (!line.starts_with("accTitle") && !line.starts_with("accDescr")) {
        while (!line.empty())
          if (const std::string_view statement = trimmed(take_statement(line)); !is_other_statement(statement))
            read_statement(statement);
      }
      if (text.empty()) return edges_;
    }
  }

 private:
  static bool is_flowchart(std::string_view line) {
    line = trimmed(line);
    return line.starts_with("flowchart") || line.starts_with("graph");
  }

  // Up to a ";" that is in no label.
  static std::string_view take_statement(std::string_view& line) {
    std::size_t at = 0;
    while (at < line.size() && line[at] != ';') {
      if (line[at] == '|')
        at = std::min(line.find('|', at + 1), line.size() - 1) + 1;
      else
        at += std::max<std::size_t>(1, label_length(line.substr(at)));
    }
    const std::string_view statement = line.substr(0, at);
    line.remove_prefix(std::min(at + 1, line.size()));
    return statement;
  }

  static void skip_to(std::string_view& text, std::string_view line, char end) {
    while (line.find(end) == std::string_view::npos && !text.empty()) line = take_line(text);
  }

  static bool is_other_statement(std::string_view line) {
    constexpr std::array<std::string_view, 9> kWords{"subgraph",  "end",       "classDef", "class", "style",
                                                     "linkStyle", "direction", "click",    "href"};
    for (const std::string_view word : kWords) {
      if (line.starts_with(word) && (line.size() == word.size() || !is_word(line[word.size()]))) return true;
    }
    return false;
  }

  // Groups of nodes joined by "&", with links between the groups.
  void read_statement(std::string_view line) {
    std::size_t left = 0;  // nodes in the group before the last link; 0: there was none
    std::size_t group = 1;
    const auto end_group = [&](bool link_follows) {
      edges_ += left * group;
      left = link_follows ? group : 0;
      group = 1;
    };
    std::size_t at = 0;
    while (at < line.size()) {
      if (const std::size_t length = label_length(line.substr(at)); length > 0) {
        at += length;
      } else if (const auto link = link_length(line, at)) {
        end_group(true);
        at += *link;
        if (at < line.size() && line[at] == '|') at = std::min(line.find('|', at + 1), line.size() - 1) + 1;
      } else {
        if (line[at] == '&') ++group;
        ++at;
      }
    }
    end_group(false);
  }

  // A quoted text, or one in brackets: neither holds links.
  static std::size_t label_length(std::string_view text) {
    if (text[0] == '"') return std::min(text.find('"', 1), text.size() - 1) + 1;
    constexpr std::string_view kOpen = "[({", kClose = "])}";
    if (kOpen.find(text[0]) == std::string_view::npos) return 0;
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') i = std::min(text.find('"', i + 1), text.size() - 1);
      if (kOpen.find(text[i]) != std::string_view::npos) ++depth;
      if (kClose.find(text[i]) != std::string_view::npos && --depth == 0) return i + 1;
    }
    return text.size();
  }

  // "-->", "---", "--o", "<-->", "==>", "-.->", "~~~", and "-- words -->", which is one link. Spaces are not counted.
  static std::optional<std::size_t> link_length(std::string_view line, std::size_t at) {
    const std::string_view text = line.substr(at);
    std::size_t begin = 0;
    if (text[0] == '<' || ((text[0] == 'x' || text[0] == 'o') && (at == 0 || line[at - 1] == ' '))) begin = 1;
    const std::string_view line_part = text.substr(begin);
    for (const std::string_view stroke : {"--", "==", "-.", "~~~"}) {
      if (!line_part.starts_with(stroke)) continue;
      const std::size_t end = stroke_end(line_part, stroke);
      if (end > 0) return begin + end;
      // Words follow, up to the arrow proper.
      const std::string_view closing = stroke == "-." ? std::string_view(".-") : stroke;
      const std::size_t close = line_part.find(closing, stroke.size());
      if (close == std::string_view::npos) return begin + stroke.size();
      return begin + close + std::max<std::size_t>(stroke_end(line_part.substr(close), closing), closing.size());
    }
    return std::nullopt;
  }

  // Where a whole link ends that begins with this stroke; 0 if it is only the opening one.
  static std::size_t stroke_end(std::string_view text, std::string_view stroke) {
    if (stroke == "~~~")
      return text.find_first_not_of('~') == std::string_view::npos ? text.size() : text.find_first_not_of('~');
    std::size_t end = 0;
    while (end < text.size() && (text[end] == stroke[0] || text[end] == '.' || text[end] == '-')) {
      if (stroke == "==" && text[end] != '=') break;
      if (stroke == "--" && text[end] == '.') break;
      ++end;
    }
    const bool has_head =
        end < text.size() && (text[end] == '>' || ((text[end] == 'x' || text[end] == 'o') &&
                                                   (end + 1 == text.size() || !is_word(text[end + 1]))));
    if (has_head) return end + 1;
    const bool whole = stroke == "-." || stroke == ".-" ? end >= 3 || (stroke == ".-" && end >= 2) : end >= 3;
    return whole ? end : 0;
  }

  std::size_t edges_ = 0;
};

// The first words of diagrams, as of Mermaid 11; "-beta" and "-v2" may follow some.
constexpr std::string_view kDiagrams[] = {"flowchart",
                                          "graph",
                                          "sequenceDiagram",
                                          "classDiagram",
                                          "stateDiagram",
                                          "erDiagram",
                                          "journey",
                                          "gantt",
                                          "pie",
                                          "quadrantChart",
                                          "requirementDiagram",
                                          "requirement",
                                          "gitGraph",
                                          "C4Context",
                                          "C4Container",
                                          "C4Component",
                                          "C4Dynamic",
                                          "C4Deployment",
                                          "mindmap",
                                          "timeline",
                                          "zenuml",
                                          "sankey",
                                          "xychart",
                                          "block",
                                          "packet",
                                          "kanban",
                                          "architecture",
                                          "radar",
                                          "treemap",
                                          "info"};

bool is_diagram(std::string_view text) {
  const std::string code = without_remarks(text);
  std::string_view word = code;
  word = word.substr(0, word.find_first_of(" \t\n;:"));
  return std::ranges::any_of(kDiagrams, [&](std::string_view kind) {
    return word.starts_with(kind) && (word.size() == kind.size() || word[kind.size()] == '-');
  });
}

/// A line that opens a block of code in Markdown, or closes one.
struct Fence {
  char mark = 0;
  std::size_t length = 0;
  std::string_view info;  // what is said of the code
};

std::optional<Fence> fence_of(std::string_view line) {
  line = trimmed(line);
  if (line.empty() || (line[0] != '`' && line[0] != '~' && line[0] != ':')) return std::nullopt;
  const std::size_t length = std::min(line.find_first_not_of(line[0]), line.size());
  if (length < 3) return std::nullopt;
  return Fence{line[0], length, trimmed(line.substr(length))};
}

bool says_mermaid(std::string_view info) {
  if (info.starts_with('{')) info.remove_prefix(1);
  constexpr std::string_view kWord = "mermaid";
  return info.starts_with(kWord) && (info.size() == kWord.size() || !is_word(info[kWord.size()]));
}

struct Site {
  std::string_view name;
  std::size_t characters;
  bool counts_source;
};

constexpr std::array<Site, 3> kSites{{{"GitHub", 50'000, false}, {"GitLab", 2'000, true}, {"Gitea", 5'000, true}}};
constexpr std::size_t kMostEdges = 500;

}  // namespace

MermaidSize measure_mermaid(std::string_view text) {
  const std::string valid = valid_utf8(with_plain_lines(text));
  const std::string code = without_remarks(valid);
  return {utf16_units(code), utf16_units(valid), EdgeCounter().count(code)};
}

std::vector<MermaidDiagram> mermaid_diagrams(std::string_view text, std::string_view origin) {
  const std::string plain = with_plain_lines(text);
  if (is_diagram(plain)) return {{1, plain}};
  std::vector<MermaidDiagram> found;
  std::optional<Fence> open;
  bool inside = false;
  std::string_view rest = plain;
  for (std::int64_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = take_line(rest);
    const std::optional<Fence> fence = fence_of(line);
    if (open && fence && fence->mark == open->mark && fence->length >= open->length && fence->info.empty()) {
      open.reset();
      inside = false;
    } else if (open) {
      if (inside) found.back().text += line;
    } else if (fence) {
      // Three colons are a fence on some sites only.
      inside = says_mermaid(fence->info);
      if (inside || fence->mark != ':') open = fence;
      if (inside) found.push_back({number + 1, ""});
    }
  }
  if (found.empty())
    throw IoError(fmt::format(
        "{}: no Mermaid diagram; expected a first line such as \"flowchart TB\", or a Markdown page with ```mermaid",
        origin));
  for (const MermaidDiagram& diagram : found)
    if (!is_diagram(diagram.text))
      throw IoError(fmt::format("{}:{}: not the first line of a Mermaid diagram, such as \"flowchart TB\"", origin,
                                diagram.line));
  return found;
}

std::vector<SiteVerdict> check_mermaid(std::string_view text) {
  const MermaidSize size = measure_mermaid(text);
  std::vector<SiteVerdict> verdicts;
  for (const Site& site : kSites) {
    const std::size_t characters = site.counts_source ? size.source_characters : size.characters;
    const bool fits = characters <= site.characters && size.edges <= kMostEdges;
    verdicts.push_back({site.name, fits,
                        fmt::format("{} of {} characters, {} of {} edges", grouped(static_cast<double>(characters)),
                                    grouped(static_cast<double>(site.characters)), size.edges, kMostEdges)});
  }
  return verdicts;
}

}  // namespace tapegrad::graph
