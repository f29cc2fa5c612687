#pragma once
// Pictures of what was computed, and questions to it, in one include.
//
//   graph::save(loss, "loss.svg");               // or .mmd .dot .png .pdf .txt .json, by suffix
//   std::string diagram = graph::to_mermaid(graph::capture(loss));

#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/diff.hpp>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/explain.hpp>
#include <tapegrad/graph/save.hpp>

namespace tapegrad::graph {

/// The graph of one tensor as a file: see save() and capture().
inline std::vector<std::string> save(const Tensor& output, const std::filesystem::path& path,
                                     const SaveOptions& options = {}) {
  return save(capture(output), path, options);
}

}  // namespace tapegrad::graph
