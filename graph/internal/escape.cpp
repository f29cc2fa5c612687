#include <algorithm>
#include <cctype>
#include <tapegrad/graph/internal/escape.hpp>

namespace tapegrad::graph {
namespace {

// Inserts a space before the last `tail` characters of every occurrence of `pattern`.
void break_up(std::string& text, std::string_view pattern, std::size_t tail) {
  for (std::size_t at = text.find(pattern); at != std::string::npos; at = text.find(pattern, at + 1)) {
    text.insert(at + pattern.size() - tail, 1, ' ');
  }
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// "#word;" is an entity to Mermaid.
void break_up_entities(std::string& text) {
  for (std::size_t at = text.find('#'); at != std::string::npos; at = text.find('#', at + 1)) {
    std::size_t end = at + 1;
    while (end < text.size() && is_word(text[end])) ++end;
    if (end > at + 1 && end < text.size() && text[end] == ';') text.insert(end, 1, ' ');
  }
}

// Before it looks at anything, Mermaid takes the semicolon from the end of what it believes to be a style statement,
// "style ... :...#...;", even within a label; that would spoil the entities below.
void break_up_styles(std::string& text) {
  if (text.find("style") == std::string::npos && text.find("classDef") == std::string::npos) return;
  bool after_colon = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && after_colon) {
      text.insert(i++, 1, ' ');
      after_colon = false;
    } else if (text[i] == ':') {
      after_colon = true;
    } else if (std::isspace(static_cast<unsigned char>(text[i]))) {
      after_colon = false;
    }
  }
}

std::string mermaid_text_without_lines(std::string_view raw) {
  std::string text(raw);
  std::replace(text.begin(), text.end(), '"', '\'');
  break_up(text, "%%{", 1);
  break_up(text, "$$", 1);
  break_up(text, "\\n", 1);
  for (const char* icon : {"fa:fa-", "fab:fa-", "fak:fa-", "fal:fa-", "far:fa-", "fas:fa-"}) break_up(text, icon, 3);
  break_up_entities(text);
  // What Mermaid writes for "&" and ";" of entities while it works.
  break_up(text, "ﬂ°", 2);
  break_up(text, "¶ß", 2);

  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "#lt;";
        break;
      case '>':
        result += "#gt;";
        break;
      case '&':
        result += "#amp;";
        break;
      default:
        result += c;
    }
  }
  break_up_styles(result);
  return result;
}

}  // namespace

std::string mermaid_label(std::string_view raw) {
  std::string text = mermaid_text_without_lines(raw);
  if (text.starts_with('`')) text.insert(0, 1, ' ');  // otherwise Markdown
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at))
    text.replace(at, 1, "<br/>");
  return text;
}

std::string mermaid_line(std::string_view raw) {
  std::string text = mermaid_text_without_lines(raw);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string dot_label(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\n':
        result += "<BR/>";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string dot_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        result += "\\\"";
        break;
      case '\\':
        result += "\\\\";
        break;
      case '&':
        result += "&amp;";
        break;
      case '\n':
        result += "\\n";
        break;
      default:
        result += c;
    }
  }
  return result + '"';
}

std::string xml_text(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\n':
        result += "&#10;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace tapegrad::graph
