#include "model_files.hpp"

#include <iostream>
#include <nlohmann/json.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/version.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/io/safetensors.hpp>

#include "line_chart.hpp"

namespace tapegrad::tools {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const optim::Scores& scores, const std::string& prefix) {
  ordered_json fields{{prefix + "loss", scores.loss}};
  for (const auto& [name, value] : scores.metrics) fields[prefix + name] = value;
  return fields;
}

std::string metrics_jsonl(const optim::History& history) {
  std::string lines;
  for (const optim::EpochRecord& e : history.epochs) {
    ordered_json line{{"epoch", e.epoch}, {"steps", e.steps}, {"lr", e.lr}, {"seconds", e.seconds}};
    line.update(to_json(e.train, ""));
    if (e.validation) line.update(to_json(*e.validation, "validation_"));
    lines += line.dump() + "\n";
  }
  return lines;
}

std::string curves_svg(const optim::History& history) {
  std::vector<std::string> figures{"loss"};
  if (!history.epochs.empty())
    for (const auto& metric : history.epochs.front().train.metrics) figures.push_back(metric.first);
  std::vector<Panel> panels;
  for (const std::string& figure : figures) {
    Panel panel{figure, {{"training", {}}, {"validation", {}}}};
    for (const optim::EpochRecord& e : history.epochs) {
      panel.series[0].values.push_back(e.train[figure]);
      if (e.validation) panel.series[1].values.push_back((*e.validation)[figure]);
    }
    panels.push_back(std::move(panel));
  }
  return line_chart_svg("Learning curves", "epoch", panels);
}

}  // namespace

void save_weights(const OutputFolder& out, const nn::Module& model) {
  io::save_safetensors(out.path("model.safetensors"), model.state(),
                       {{"format", "tapegrad " + std::string(version())}});
}

void save_history(const OutputFolder& out, const optim::History& history) {
  out.write("metrics.jsonl", metrics_jsonl(history));
  out.write("curves.svg", curves_svg(history));
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

}  // namespace tapegrad::tools
