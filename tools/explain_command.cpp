// tapegrad explain: what is wrong with a recorded training step, and where its memory and time go.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <tapegrad/graph/explain.hpp>

#include "commands.hpp"
#include "examples/examples.hpp"
#include "graph_source.hpp"
#include "option_values.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string source, example;
};

}  // namespace

void add_explain_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "explain", "Where the first NaN comes from, who gets no gradient and why, who holds memory and takes time");
  CLI::Option* source = command
                            ->add_option("source", options->source,
                                         "A snapshot (.json), an ONNX model (.onnx), or the folder of a trained "
                                         "model; - for a snapshot on standard input")
                            ->type_name("FILE|FOLDER");
  add_example_option(*command, options->example)->excludes(source);
  command->footer(
      "Examples:\n"
      "  tapegrad explain --example mlp\n"
      "  tapegrad explain out/wordnet\n"
      "  tapegrad graph --example lstm -f json | tapegrad explain -");
  command->callback([options, source] {
    if (source->empty() && options->example.empty()) throw CLI::RequiredError("source or --example");
    std::cout << graph::explain(options->example.empty() ? load_graph(options->source)
                                                         : find_example(options->example).record(true));
  });
}

}  // namespace tapegrad::tools
