#pragma once
// What is written on the nodes.

#include <string>
#include <tapegrad/graph/internal/diagram.hpp>
#include <tapegrad/graph/internal/overlay.hpp>
#include <vector>

namespace tapegrad::graph {

/// Makes the node of an item: of its values, or of their gradients.
class NodeWriter {
 public:
  NodeWriter(const Sketch& sketch, const DrawOptions& options, const DiagramStyle& style)
      : sketch_(sketch), options_(options), style_(style), overlay_(sketch, options) {}

  DiagramNode node(ItemIndex index, bool gradient) const;
  const OverlayScale& overlay() const { return overlay_; }

 private:
  VertexIndex shown_gradient(const Item& item) const;
  const Vertex& named_vertex(const Item& item) const;
  std::string name(const Item& item) const;
  std::string leaves_text(const Item& item, bool gradient) const;
  std::string title(const Item& item, const Vertex& v, bool gradient) const;
  void add_details(const Item& item, const Vertex& v, bool gradient, std::vector<std::string>& lines) const;
  void add_mark(const Item& item, DiagramNode& node) const;
  std::string tooltip(const Item& item, const Vertex& v) const;

  const Sketch& sketch_;
  const DrawOptions& options_;
  const DiagramStyle& style_;
  OverlayScale overlay_;
};

/// "[32, 784] f32", "scalar f32"
std::string value_text(const Vertex& v);

}  // namespace tapegrad::graph
