#pragma once
// A finished picture, whatever it will be written for: nodes with lines of text, edges, nested frames. All text in it
// is drawable and of bounded length, but not escaped: that is the work of the one routine of each target.

#include <cstdint>
#include <map>
#include <string>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/sketch.hpp>
#include <tapegrad/graph/internal/style.hpp>
#include <utility>
#include <vector>

namespace tapegrad::graph {

struct DiagramNode {
  std::string id;
  Outline outline = Outline::box;
  Paint paint = Paint::op;
  std::vector<std::string> lines;  ///< the title first, never empty
  std::string tooltip;
};

struct DiagramEdge {
  std::uint32_t from = 0, to = 0;  ///< positions in Diagram::nodes
  EdgeKind kind = EdgeKind::data;
  std::string label;
  bool is_loop = false;  ///< to the next step of a block that is drawn once
};

struct DiagramFrame {
  std::string id, title;
};

/// What is written in which order: frames open and close like brackets round the nodes in them.
struct DiagramPart {
  enum class Kind : std::uint8_t { open, node, close };
  Kind kind = Kind::node;
  std::uint32_t index = 0;  ///< of the node, or of the frame
};

/// Boxes in a row of a legend.
inline constexpr int kLegendColumns = 3;

struct LegendEntry {
  Outline outline;
  Paint paint;
  std::string text;
};

struct Diagram {
  Direction direction = Direction::down;
  std::string title, description;
  std::vector<DiagramNode> nodes;
  std::vector<DiagramEdge> edges;
  std::vector<DiagramFrame> frames;
  std::vector<DiagramPart> parts;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> twins;  ///< nodes of values and of their gradients
  std::vector<LegendEntry> legend;
  std::vector<std::string> notes;  ///< drawn too

  /// A node that no edge leaves, so that what follows it comes after the whole picture. Gradients may be ranked like
  /// their values, against their edges. There must be nodes.
  std::uint32_t last_node(bool gradients_like_values) const;
};

/// What a comparison has to say of a vertex.
struct Mark {
  Paint paint;
  std::string sign;                ///< before its title
  std::vector<std::string> lines;  ///< beneath it
};

/// What a picture may take, and what suits the program that will lay it out.
struct DiagramStyle {
  std::size_t line = 60;  ///< code points in a line of text
  bool legend = true;
  bool attributes = true;
  bool details = true;  ///< more than titles, and frames
  /// Gradients get frames of their own: Mermaid ranks them below all values, and would stretch a common frame that far.
  bool gradients_apart = false;
  /// Where these are given, what has no mark is drawn plain, and the picture is centred on what has.
  const std::map<VertexIndex, Mark>* marks = nullptr;
};

Diagram make_diagram(const Sketch& sketch, const DrawOptions& options, const DiagramStyle& style,
                     std::vector<std::string> notes);

/// Folds the graph as the options say, until it fits the budget. `folded` receives what was done.
Diagram plan_diagram(const ComputationGraph& graph, const DrawOptions& options, const Budget& budget,
                     DiagramStyle style, std::vector<std::string>* folded);

/// The graph as pictures show it by default, however large that is: each layer as one node, what is repeated once.
Sketch layer_view(const ComputationGraph& graph, Parameters parameters);

std::string mermaid_text(const Diagram& diagram);
std::string dot_text(const Diagram& diagram);

}  // namespace tapegrad::graph
