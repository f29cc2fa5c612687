// tapegrad graph: pictures of recorded graphs, what differs between two, and whether a picture will be drawn.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/diff.hpp>
#include <tapegrad/graph/internal/mermaid_limits.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/interchange/tensor_file.hpp>
#include <vector>

#include "commands.hpp"
#include "examples/examples.hpp"
#include "graph_source.hpp"
#include "option_values.hpp"
#include "suggestion.hpp"
#include "terminal.hpp"
#include "weight_files.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string source, example, why, out, format, budget, focus;
  graph::Direction direction = graph::Direction::down;
  graph::Overlay overlay = graph::Overlay::none;
  graph::Parameters parameters = graph::Parameters::inside;
  bool joint = false, backward = false, only_forward = false, no_legend = false, unfold = false, saved = false;
  bool edges = false;
  std::size_t depth = 0, radius = 4;
  double dpi = graph::SaveOptions{}.dpi;
  InputSource inputs;
};

constexpr std::string_view kDefaultFormat = "mermaid", kDefaultDiffFormat = "text";

/// The formats that are wanted, with `between` between.
template <class Wanted>
std::string names_of_formats(const Wanted& wanted, std::string_view between = "|") {
  std::vector<std::string_view> names;
  for (const graph::Format& format : graph::formats())
    if (wanted(format)) names.push_back(format.name);
  return fmt::format("{}", fmt::join(names, between));
}

bool any_format(const graph::Format& /*format*/) { return true; }
bool shows_difference(const graph::Format& format) { return format.write_diff != nullptr; }

std::vector<std::string> names_in(const graph::ComputationGraph& graph) {
  std::vector<std::string> names;
  for (const graph::Vertex& v : graph.vertices())
    if (!v.name.empty()) names.push_back(v.name);
  return names;
}

/// What there is to say of one vertex: what it is, why it has the gradient that it has, who keeps its buffer.
std::string explanation(const graph::ComputationGraph& graph, const std::string& id_or_name) {
  const auto found = graph.find(id_or_name);
  if (!found)
    throw ValueError(fmt::format(
        "there is no vertex '{}' in the graph; give an id or a name. A parameter that nothing uses is in it "
        "only where capture() was told of it (CaptureOptions::also){}",
        id_or_name, did_you_mean(id_or_name, names_in(graph))));
  const graph::VertexIndex value = graph.value_of(*found);
  std::string text = graph::explain_gradient(graph, value).text + '\n';
  if (const std::uint32_t changes = graph[value].changes)
    text += fmt::format("its value was changed in place {} after it was recorded\n",
                        changes == 1 ? "once" : fmt::format("{} times", changes));
  for (const graph::VertexIndex keeper : graph::kept_alive_by(graph, value))
    text += fmt::format("its buffer is kept for {}\n", graph::describe(graph, keeper));
  if (const auto bad = graph::first_bad_vertex(graph))
    text += fmt::format("the first NaN or infinity of the graph comes from {}\n", graph::describe(graph, *bad));
  return text;
}

void run(const Options& options) {
  const graph::ComputationGraph recorded =
      options.example.empty() ? load_graph(options.source, options.inputs)
                              : find_example(options.example).record(options.overlay == graph::Overlay::time);
  if (!options.why.empty()) {
    std::cout << explanation(recorded, options.why);
    return;
  }
  graph::SaveOptions save;
  save.draw.direction = options.direction;
  save.draw.overlay = options.overlay;
  save.draw.pass = options.joint ? graph::Pass::joint : options.backward ? graph::Pass::backward : graph::Pass::forward;
  if (options.depth > 0) save.draw.depth = save.summary.depth = options.depth;
  if (!options.budget.empty()) save.draw.budget = graph::Budget::parse(options.budget);
  save.draw.focus = options.focus;
  save.draw.radius = options.radius;
  save.draw.legend = !options.no_legend;
  save.draw.unfold = options.unfold;
  // Where there is nothing else, they are the picture.
  save.draw.parameters = options.parameters == graph::Parameters::inside && io::is_tensor_file(options.source)
                             ? graph::Parameters::nodes
                             : options.parameters;
  if (options.saved) save.draw.saved = true;
  save.format = options.format;
  save.dpi = options.dpi;
  save.text.edges = options.edges;
  const std::string format = !options.format.empty() ? options.format
                             : options.out.empty()   ? std::string(kDefaultFormat)
                                                     : std::string(graph::format_of(options.out).name);
  if (options.out.empty()) {
    const Terminal terminal = terminal_of(STDOUT_FILENO);
    save.text.colour = terminal.colour;
    if (terminal.interactive) save.summary.columns = terminal.columns;
  }
  if (options.edges && format != "text") throw ValueError("--edges goes with -f text");
  if (format == "text" && !options.edges &&
      (options.joint || options.backward || options.overlay != graph::Overlay::none))
    throw ValueError("the table of -f text shows no gradients and no overlay; --edges draws them");

  std::vector<std::string> folded;
  if (options.out.empty())
    std::cout << graph::render(recorded, format, save, &folded);
  else
    folded = graph::save(recorded, options.out, save);
  for (const std::string& line : folded) std::cerr << "tapegrad: " << line << '\n';
}

struct DiffOptions {
  std::string before, after, out, format;
  graph::DiffOptions compare;
  bool weights = false;
};

/// 1 if the graphs differ.
int run_diff(const DiffOptions& options) {
  const graph::ComputationGraph before = load_graph(options.before), after = load_graph(options.after);
  const graph::GraphDiff difference = graph::diff(before, after, options.compare);
  const graph::Format& format = !options.format.empty() ? graph::format_named(options.format)
                                : !options.out.empty()  ? graph::format_of(options.out)
                                                        : graph::format_named(kDefaultDiffFormat);
  if (!format.write_diff)
    throw ValueError(fmt::format("a difference is not written as {}, but as one of {}", format.name,
                                 names_of_formats(shows_difference, ", ")));
  if (options.weights && format.name != kDefaultDiffFormat)
    throw ValueError(fmt::format("--weights goes with the format {} only", kDefaultDiffFormat));
  const WeightDifference weights =
      options.weights ? weight_difference(weights_in(options.before), weights_in(options.after)) : WeightDifference{};
  const std::string text = format.write_diff(difference, before, after) + weights.text;
  if (options.out.empty())
    std::cout << text;
  else
    write_file(options.out, text);
  return difference.empty() && !weights.any ? 0 : 1;
}

void add_diff_command(CLI::App& graph_command, int& status) {
  auto options = std::make_shared<DiffOptions>();
  CLI::App* command =
      graph_command.add_subcommand("diff", "What differs between two graphs; status 1 if something does");
  command->add_option("before", options->before, "A snapshot, an ONNX model, tensors, or the folder of a trained model")
      ->type_name("FILE|FOLDER")
      ->required();
  command->add_option("after", options->after, "Another")->type_name("FILE|FOLDER")->required();
  command->add_option("-f,--format", options->format, "Else what the suffix of --out says")
      ->type_name(names_of_formats(shows_difference))
      ->default_str(std::string(kDefaultDiffFormat));
  command
      ->add_option("-o,--out", options->out, "File to write; its suffix says the format. Without it, standard output")
      ->type_name(kFile);
  command->add_option("--tolerance", options->compare.tolerance, "How much statistics may differ, relatively")
      ->check(not_negative())
      ->capture_default_str();
  command->add_flag("--weights", options->weights,
                    "Compare weights too, by the norms of their differences; not of snapshots");
  command->add_flag("--times", options->compare.seconds, "Compare times too");
  command->callback([options, &status] { status = run_diff(*options); });
}

void add_check_command(CLI::App& graph_command, int& status) {
  auto source = std::make_shared<std::string>();
  CLI::App* command = graph_command.add_subcommand(
      "check", "Whether a Mermaid file will be drawn, and where; status 1 if not on GitHub");
  command->add_option("file", *source, "A Mermaid diagram (.mmd) of any origin, or a Markdown page with some")
      ->type_name(kFile)
      ->required();
  command->callback([source, &status] {
    const std::string text = read_source(*source, "a Mermaid diagram (.mmd) or a Markdown page");
    const std::vector<graph::MermaidDiagram> diagrams = graph::mermaid_diagrams(text, *source);
    for (const graph::MermaidDiagram& diagram : diagrams) {
      const std::string place = diagram.line > 1 ? fmt::format("{}:{}  ", *source, diagram.line) : "";
      for (const graph::SiteVerdict& verdict : graph::check_mermaid(diagram.text)) {
        std::cout << fmt::format("{}{}  {}  {}\n", place, verdict.site, verdict.fits ? "draws it" : "does not",
                                 verdict.reason);
        if (verdict.site == "GitHub" && !verdict.fits) status = 1;
      }
    }
  });
}

}  // namespace

void add_graph_command(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("graph", "Draw a recorded graph, or compare two");
  add_diff_command(*command, status);
  add_check_command(*command, status);
  command->require_subcommand(0, 1);
  CLI::Option* source = command
                            ->add_option("source", options->source,
                                         "A snapshot (.json), an ONNX model (.onnx), tensors (.pt, .safetensors), "
                                         "or the folder of a trained model; - for a snapshot on standard input")
                            ->type_name("FILE|FOLDER");
  add_example_option(*command, options->example)->excludes(source);
  command->add_option("--why", options->why,
                      "Instead of a picture, in words: what this node is, why it has a gradient or none, who keeps it");
  command
      ->add_option("-o,--out", options->out, "File to write; its suffix says the format. Without it, standard output")
      ->type_name(kFile);
  command->add_option("-f,--format", options->format, "Else what the suffix of --out says")
      ->type_name(names_of_formats(any_format))
      ->default_str(std::string(kDefaultFormat));
  const std::vector<std::pair<std::string, graph::Direction>> directions{{"down", graph::Direction::down},
                                                                         {"right", graph::Direction::right}};
  add_choice(*command, "--direction", options->direction, directions, "Of the flow");
  const std::vector<std::pair<std::string, graph::Overlay>> overlays{
      {"none", graph::Overlay::none},     {"gradient-norm", graph::Overlay::gradient_norm},
      {"values", graph::Overlay::values}, {"non-finite", graph::Overlay::non_finite},
      {"time", graph::Overlay::time},     {"saved-bytes", graph::Overlay::saved_bytes}};
  add_choice(*command, "--overlay", options->overlay, overlays, "What colours the nodes");
  auto* joint = command->add_flag("--joint", options->joint, "Gradients beside their values");
  auto* backward = command->add_flag("--backward", options->backward, "Gradients only")->excludes(joint);
  command->add_flag("--only-forward", options->only_forward, "Values only, which is the default")
      ->excludes(joint)
      ->excludes(backward);
  command->add_option("--depth", options->depth, "Draw deeper scopes as one node; 1 gives the architecture")
      ->check(positive());
  command->add_flag("--unfold", options->unfold,
                    "Draw every operation; otherwise a layer is one node, and what is repeated is drawn once");
  const std::vector<std::pair<std::string, graph::Parameters>> places{
      {"inside", graph::Parameters::inside}, {"nodes", graph::Parameters::nodes}, {"none", graph::Parameters::none}};
  add_choice(*command, "--parameters", options->parameters, places,
             "Inside the operations that use them, as nodes, or not at all");
  command->add_flag("--saved", options->saved, "With --joint in Mermaid: which gradients keep which values");
  command->add_option("--budget", options->budget, "Fold until it fits what a site draws, or a number of characters")
      ->type_name("github|gitlab|gitea|none|NUMBER");
  command->add_option("--focus", options->focus, "Node, name or scope to draw round");
  command->add_option("--radius", options->radius, "How far from it, in edges")->capture_default_str();
  command->add_flag("--edges", options->edges, "With -f text: the graph itself, a node a line, its edges beside it");
  command->add_option("--dpi", options->dpi, "Of a PNG: pixels an inch")
      ->capture_default_str()
      ->check(between(10.0, 2400.0));
  command->add_flag("--no-legend", options->no_legend, "No legend, and no notes of what was folded, in the picture");
  command->add_option("--input", options->inputs.files, "Of an ONNX model: an input's array; made up if left out")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false);
  command
      ->add_option("--size", options->inputs.sizes, "Of an ONNX model: a symbol in its inputs' shapes; 1 if left out")
      ->type_name("SYMBOL=NUMBER")
      ->allow_extra_args(false);
  command->footer(
      "Examples:\n"
      "  tapegrad graph --example mlp -o mlp.svg --joint\n"
      "  tapegrad graph out/wordnet                        Mermaid, to paste into a README\n"
      "  tapegrad graph out/wordnet -o model.svg --joint\n"
      "  tapegrad graph out/wordnet -f text --depth 1\n"
      "  tapegrad graph out/wordnet -f text --edges        drawn in the terminal\n"
      "  tapegrad graph out/wordnet -o model.html          a page to walk about in\n"
      "  tapegrad graph out/wordnet --why embedding.weight\n"
      "  tapegrad graph resnet.onnx -o resnet.svg --size batch=8\n"
      "  tapegrad graph weights.pt -o weights.svg\n"
      "  tapegrad graph diff out/first out/second --weights\n"
      "  tapegrad graph diff before.json after.json -o what-changed.html\n"
      "  tapegrad graph check README.md");
  command->callback([options, command, source] {
    if (!command->get_subcommands().empty()) return;
    if (source->empty() && options->example.empty()) throw CLI::RequiredError("source or --example");
    run(*options);
  });
}

}  // namespace tapegrad::tools
