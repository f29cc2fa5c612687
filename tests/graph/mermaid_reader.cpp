#include "mermaid_reader.hpp"

#include <array>
#include <regex>
#include <sstream>

namespace tapegrad::graph {
namespace {

class Reader {
 public:
  MermaidText read(const std::string& text) {
    std::istringstream lines(text);
    if (!text.ends_with('\n')) error("the last line has no end");
    for (std::string line; std::getline(lines, line);) {
      ++number_;
      read_line(line.substr(std::min(line.find_first_not_of(' '), line.size())));
    }
    if (!open_.empty()) error("a subgraph is not closed");
    for (const auto& e : result_.edges) {
      if (!result_.nodes.contains(e.from) || !result_.nodes.contains(e.to)) error("edge of an unknown node " + e.from);
    }
    for (const auto& [id, node] : result_.nodes) {
      if (!result_.paints.contains(node.paint)) error("no class definition for " + node.paint);
    }
    return std::move(result_);
  }

 private:
  void error(const std::string& what) { result_.errors.push_back(std::to_string(number_) + ": " + what); }

  void read_line(const std::string& line) {
    std::smatch m;
    static const std::regex edge(
        R"re(^([ngst]\d+(?:_\d+)?) (-->|-\.->|--o)(?:\|"([^"]*)"\|)? ([ngst]\d+(?:_\d+)?)$)re");
    static const std::regex spacer(R"(^([ngstl]\d+(?:_\d+)?) ~~~ (l\d+|legend)$)");
    static const std::regex subgraph(R"re(^subgraph (f\d+|legend)\["([^"]*)"\]$)re");
    static const std::regex class_definition(
        R"(^classDef ([a-z]+\d?) (fill:#[0-9a-f]{6,8},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}.*)$)");
    if (number_ == 1) {
      if (line != "flowchart TB" && line != "flowchart LR") error("no flowchart");
    } else if (line.starts_with("accTitle: ")) {
      result_.title = plain(line.substr(10));
    } else if (line.starts_with("accDescr: ")) {
      result_.description = plain(line.substr(10));
    } else if (std::regex_match(line, m, subgraph)) {
      if (result_.frames.contains(m[1])) error("a subgraph of the same id");
      result_.frames[m[1]] = plain(m[2]);
      result_.parents[m[1]] = open_.empty() ? "" : open_.back();
      open_.push_back(m[1]);
    } else if (line == "end") {
      if (open_.empty()) return error("end without a subgraph");
      open_.pop_back();
    } else if (line == "direction LR") {
      if (open_.empty() || open_.back() != "legend") error("a direction outside the legend");
    } else if (std::regex_match(line, m, spacer)) {
      if (m[2] == "legend" ? !result_.nodes.contains(m[1]) : open_.empty() || open_.back() != "legend")
        error("a link without a line outside the legend");
    } else if (std::regex_match(line, m, edge)) {
      result_.edges.push_back({m[1], m[2], m[4], plain(m[3])});
    } else if (std::regex_match(line, m, class_definition)) {
      result_.paints[m[1]] = m[2];
    } else if (line.starts_with("class ")) {
      static const std::regex frames(R"(^class (?:f\d+,)*(?:f\d+|legend) frame$)");
      if (!std::regex_match(line, frames)) error("a strange class: " + line);
    } else if (!read_node(line)) {
      error("neither node nor edge: " + line.substr(0, 200));
    }
  }

  bool read_node(const std::string& line) {
    static const std::array<std::pair<std::string, std::string>, 7> brackets{{{"([\"", "\"])"},
                                                                              {"[(\"", "\")]"},
                                                                              {"{{\"", "\"}}"},
                                                                              {"[[\"", "\"]]"},
                                                                              {"[/\"", "\"/]"},
                                                                              {"[\"", "\"]"},
                                                                              {"(\"", "\")"}}};
    static const std::regex id(R"(^([ngstl]\d+(?:_\d+)?)([\[({].*):::([a-z]+\d?)$)");
    std::smatch m;
    if (!std::regex_match(line, m, id)) return false;
    const std::string box = m[2];
    for (const auto& [open, close] : brackets) {
      if (!box.starts_with(open) || !box.ends_with(close)) continue;
      const std::string label = box.substr(open.size(), box.size() - open.size() - close.size());
      if (label.empty()) error("an empty label");
      if (label.find('"') != std::string::npos) error("a quote in a label");
      if (label.find("%%{") != std::string::npos) error("a directive in a label");
      if (label.starts_with('`')) error("Markdown in a label");
      const std::string frame = open_.empty() ? "" : open_.back();
      if (frame == "legend") {
        result_.legend.push_back(plain(label));
      } else if (!result_.nodes.try_emplace(m[1], MermaidText::Node{plain(label), m[3], frame}).second) {
        error("a node of the same id");
      }
      return true;
    }
    return false;
  }

  std::string plain(std::string text) {
    const auto replace = [&](const std::string& what, const std::string& by) {
      for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
      }
    };
    replace("<br/>", "\n");
    if (text.find_first_of("<>") != std::string::npos) error("a bare angle bracket: " + text.substr(0, 200));
    static const std::regex entity("#\\w+;");
    for (std::sregex_iterator it(text.begin(), text.end(), entity), end; it != end; ++it) {
      if (it->str() != "#lt;" && it->str() != "#gt;" && it->str() != "#amp;") error("an entity: " + it->str());
    }
    replace("#lt;", "<");
    replace("#gt;", ">");
    replace("#amp;", "&");
    return text;
  }

  MermaidText result_;
  std::vector<std::string> open_;
  int number_ = 0;
};

}  // namespace

MermaidText read_mermaid(const std::string& text) { return Reader().read(text); }

}  // namespace tapegrad::graph
