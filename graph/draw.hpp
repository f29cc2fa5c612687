#pragma once
// Pictures of a graph, as text for Mermaid and for Graphviz and as a page for a browser. save() in
// <tapegrad/graph/save.hpp> makes files of them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tapegrad/graph/computation_graph.hpp>
#include <vector>

namespace tapegrad::graph {

enum class Direction : std::uint8_t { down, right };

/// forward: the values; backward: their gradients; joint: both, each gradient beside its value.
enum class Pass : std::uint8_t { forward, backward, joint };

/// What is shown on every node beside what it is: as a number, a mark and a colour.
/// values: the smallest, largest and mean element of the value, or of the gradient where that is drawn.
enum class Overlay : std::uint8_t { none, gradient_norm, values, non_finite, time, saved_bytes };

enum class ShapeLabels : std::uint8_t { nodes, edges, none };

/// Where parameters and constants are drawn: named inside the operations that use them, as nodes, or not at all.
enum class Parameters : std::uint8_t { inside, nodes, none };

/// What a picture may hold before it is folded.
struct Budget {
  static constexpr std::size_t kUnlimited = ~std::size_t{0};
  std::size_t characters = kUnlimited;  ///< of the Mermaid text, in UTF-16 units
  std::size_t edges = kUnlimited;
  std::size_t nodes = kUnlimited;

  static Budget unlimited() { return {}; }
  /// What the site draws without a complaint or a click, with some room to spare, and what a reader takes in.
  static Budget github() { return {45'000, 450, 100}; }
  static Budget gitlab() { return {1'900, 450, 100}; }
  static Budget gitea() { return {4'800, 450, 100}; }
  /// "github", "gitlab", "gitea", "none", or a number of characters, 1,500 or more. Throws ValueError for anything
  /// else.
  static Budget parse(std::string_view text);
};

/// How a picture looks, and how much of the graph it shows.
struct DrawOptions {
  Direction direction = Direction::down;
  Pass pass = Pass::forward;
  /// Scopes nested deeper are drawn as one node; 1 gives the architecture as one would draw it by hand.
  std::optional<std::size_t> depth{};
  /// Every operation as it was recorded. Otherwise a layer is one node, and what is repeated is drawn once.
  bool unfold = false;
  Parameters parameters = Parameters::inside;
  /// In a joint picture, which gradients keep which values. Where it is not set: not in Mermaid, which would draw long
  /// lines.
  std::optional<bool> saved{};
  /// Where it is not set: that of GitHub for Mermaid, one that dot lays out in seconds for images, none for DOT.
  std::optional<Budget> budget{};
  /// The id, name or scope round which to draw, and how many edges away. A picture that must be cut to fit its budget
  /// is cut round it too, or else round the graph's last result.
  std::string focus{};
  std::size_t radius = 4;
  Overlay overlay = Overlay::none;
  ShapeLabels shapes = ShapeLabels::nodes;
  bool legend = true;
  std::string title{};  ///< that of the graph where it is empty
};

/// A Mermaid flowchart. `folded` receives one line for each thing that is not drawn as it was recorded.
/// Throws ValueError for a focus that is not in the graph, or a budget in which not even one node fits.
std::string to_mermaid(const ComputationGraph& graph, const DrawOptions& options = {},
                       std::vector<std::string>* folded = nullptr);

/// A Graphviz digraph for the layout program dot; otherwise as to_mermaid.
std::string to_dot(const ComputationGraph& graph, const DrawOptions& options = {},
                   std::vector<std::string>* folded = nullptr);

/// One HTML file that needs no network, of some 100 kB and at most 150 bytes a vertex, which holds the whole graph: as
/// a picture of its layers, whose scopes open and close down to every operation, with search, details, overlays and
/// export of what is in sight; as a table where JavaScript is off. The options say how it starts: direction, pass,
/// overlay, the depth to which scopes are open (as far as that stays readable, if not given), the vertex to begin with.
/// A budget is for pictures and not looked at.
std::string to_html(const ComputationGraph& graph, const DrawOptions& options = {},
                    std::vector<std::string>* folded = nullptr);

}  // namespace tapegrad::graph
