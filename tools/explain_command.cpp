// tapegrad explain: what is wrong with a recorded training step, and where its memory and time go.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <tapegrad/graph/explain.hpp>

#include "commands.hpp"
#include "examples/examples.hpp"
#include "graph_source.hpp"
#include "option_values.hpp"
#include "terminal.hpp"

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
    const graph::ComputationGraph recorded =
        options->example.empty() ? load_graph(options->source) : find_example(options->example).record(true);
    std::string text = graph::explain(recorded);
    const Terminal terminal = terminal_of(STDOUT_FILENO);
    for (const graph::Explanation& e : graph::explanations(recorded)) {
      const std::size_t at = text.find(e.text);
      if (e.kind >= graph::Explanation::Kind::memory || at == std::string::npos) continue;
      text.replace(at, e.text.size(), styled(terminal, Style::bad, e.text));
    }
    std::cout << text;
  });
}

}  // namespace tapegrad::tools
