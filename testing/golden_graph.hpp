#pragma once
// Recorded graphs compared with files that were looked at once: what a model does changes only on purpose.

#include <filesystem>
#include <string>
#include <tapegrad/graph/computation_graph.hpp>
#include <tapegrad/graph/diff.hpp>

namespace tapegrad::testing {

/// Whether a graph is as the golden file has it.
struct GoldenGraphReport {
  bool matches = false;
  std::string text;  ///< what differs, one line each, and how to accept it
};

/// Compares with the snapshot in `file`; statistics and times do not count unless the options say so. With
/// TAPEGRAD_UPDATE_GOLDEN=1 in the environment it writes the file instead, which then matches.
/// Throws IoError if the file holds something else than a snapshot, or cannot be written.
GoldenGraphReport compare_with_golden(const graph::ComputationGraph& graph, const std::filesystem::path& file,
                                      const graph::DiffOptions& options = {.statistics = false});

}  // namespace tapegrad::testing
