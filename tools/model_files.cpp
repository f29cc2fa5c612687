#include "model_files.hpp"

#include <filesystem>
#include <iostream>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/core/version.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/io/safetensors.hpp>
#include <tapegrad/train/observers.hpp>

namespace tapegrad::tools {

void save_weights(const OutputFolder& out, const nn::Module& model) {
  io::save_safetensors(out.path("model.safetensors"), model.state(),
                       {{"format", "tapegrad " + std::string(version())}});
}

void save_history(const OutputFolder& out, const train::History& history) {
  out.write("metrics.jsonl", train::metrics_jsonl(history.epochs));
  out.write("curves.svg", train::curves_svg(history.epochs));
}

void save_graph(const OutputFolder& out, Tensor loss, const std::string& title) {
  loss.set_name("loss");
  const graph::ComputationGraph graph = graph::capture(loss, {.title = title});
  graph::save(graph, out.path("model.mmd"));
  graph::save(graph, out.path("model.dot"));
  graph::save(graph, out.path("model.json"));
  try {
    graph::save(graph, out.path("model.svg"));
  } catch (const ProcessError& error) {  // the model is worth more than its picture
    std::cerr << "tapegrad: no model.svg: " << error.what() << '\n';
  }
}

void save_report(const OutputFolder& out, train::Report report) {
  if (const std::filesystem::path picture = out.path("model.svg"); std::filesystem::exists(picture))
    report.graph_svg = InputFile(picture).read_all();
  train::save_report(out.path("report.html"), report);
}

}  // namespace tapegrad::tools
