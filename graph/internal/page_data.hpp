#pragma once
// What the page's script draws, as JSON: every value of the graph in columns, and the layer view in the same words as
// the other formats. graph/page/graph.js reads it.

#include <map>
#include <string>
#include <tapegrad/graph/internal/diagram.hpp>

namespace tapegrad::graph {

/// `layers` is the sketch of the layer view, or the graph itself where nothing is folded. Holds no "<".
std::string page_data(const Sketch& layers, const DrawOptions& options, const std::map<VertexIndex, Mark>* marks);

/// The text on one line, of bounded length, without what cannot be drawn.
std::string page_line(std::string_view text);

/// The same data as rows of an HTML table, for readers without JavaScript.
std::string page_rows(const Sketch& layers);

}  // namespace tapegrad::graph
