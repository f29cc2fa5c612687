#pragma once
// What every training leaves beside its weights.

#include <string>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/train/observers.hpp>

#include "output_folder.hpp"

namespace tapegrad::tools {

/// Weights, as model.safetensors.
void save_weights(const OutputFolder& out, const nn::Module& model);
/// metrics.jsonl, a line an epoch, and curves.svg.
void save_history(const OutputFolder& out, const train::History& history);
/// The graph that `loss` was computed by, as model.mmd, .dot, .json and, where Graphviz is there, .svg.
void save_graph(const OutputFolder& out, Tensor loss, const std::string& title);
/// All on one page, report.html, with the picture that save_graph() wrote.
void save_report(const OutputFolder& out, train::Report report);

}  // namespace tapegrad::tools
