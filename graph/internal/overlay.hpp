#pragma once
// Measurements drawn on the nodes: the number in words, a mark for its size, and a colour.

#include <optional>
#include <string>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/diagram.hpp>
#include <vector>

namespace tapegrad::graph {

struct OverlayLabel {
  std::string text;
  Paint paint;
};

class OverlayScale {
 public:
  OverlayScale(const Sketch& sketch, const DrawOptions& options);

  /// What the overlay says of an item's values or gradients, if anything.
  std::optional<OverlayLabel> label(const Item& item, bool gradient) const;
  /// Whether it has nothing to say of the whole picture.
  bool empty() const { return empty_; }
  /// What the marks mean.
  std::vector<LegendEntry> legend() const;
  /// The earliest vertex that made NaN or infinity of finite inputs, where the overlay shows that.
  std::optional<VertexIndex> first_bad() const { return first_bad_; }

 private:
  std::optional<double> value(const Item& item, bool gradient) const;
  std::string range_of(const Item& item, bool gradient) const;
  int level(double value) const;

  const ComputationGraph& graph_;
  Overlay overlay_;
  bool joint_;
  bool empty_ = true;
  double smallest_ = 0, largest_ = 0;  // of the positive values in the picture
  std::optional<VertexIndex> first_bad_;
};

}  // namespace tapegrad::graph
