#pragma once
// Reads back the Mermaid text that the library writes, strictly: a line that is none of the few statements it should
// consist of is an error.

#include <map>
#include <string>
#include <vector>

namespace tapegrad::graph {

struct MermaidText {
  struct Node {
    std::string label;  // with <br/> and #lt; as what they stand for
    std::string paint;
    std::string frame;  // "" outside all
  };
  struct Edge {
    std::string from, arrow, to, label;
    bool operator==(const Edge&) const = default;
  };
  std::string title, description;
  std::map<std::string, Node> nodes;  // the legend is not among them
  std::map<std::string, std::string> frames;
  std::map<std::string, std::string> parents;  // of frames
  std::vector<Edge> edges;
  std::vector<std::string> legend;
  std::map<std::string, std::string> paints;  // class definitions
  std::vector<std::string> errors;
};

MermaidText read_mermaid(const std::string& text);

}  // namespace tapegrad::graph
