#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/internal/diagram.hpp>
#include <tapegrad/graph/internal/escape.hpp>
#include <tapegrad/graph/internal/formats.hpp>
#include <tapegrad/graph/internal/process.hpp>

namespace tapegrad::graph {
namespace {

// What dot lays out within seconds.
constexpr Budget kImageBudget{.edges = 2'000, .nodes = 1'000};

// Boxes have colours for both; what is between them follows the reader's.
constexpr std::string_view kDarkStyle = R"(<style>
@media (prefers-color-scheme: dark) {
  #a_graph0 > a > polygon { fill: #0d1117; }
  #a_graph0 > a > text, .edge text { fill: #e6edf3; }
  .cluster text { fill: #9198a1; }
  .edge path, .edge ellipse { stroke: #9198a1; }
  .edge polygon { stroke: #9198a1; fill: #9198a1; }
  .edge.gradient path { stroke: #f778ba; }
  .edge.gradient polygon { stroke: #f778ba; fill: #f778ba; }
}
</style>)";

// Says to those who cannot see it what the picture shows, and looks right on a dark page.
std::string with_description(std::string svg, const Diagram& diagram) {
  const std::size_t tag = svg.find("<svg");
  const std::size_t end = tag == std::string::npos ? tag : svg.find('>', tag);
  if (end == std::string::npos) throw ProcessError("the layout program wrote something else than SVG");
  svg.insert(end + 1,
             fmt::format("\n<title id=\"graph-title\">{}</title>\n<desc id=\"graph-description\">{}</desc>\n{}",
                         xml_text(diagram.title), xml_text(diagram.description), kDarkStyle));
  svg.insert(tag + 4, " role=\"img\" aria-labelledby=\"graph-title graph-description\"");
  return svg;
}

// The same with each gradient at the height of its value; dot cannot do that for every graph.
std::string with_twins_abreast(std::string dot, const Diagram& diagram) {
  dot.resize(dot.rfind('}'));
  dot += "  graph [newrank=true]\n";
  for (const auto& [value, gradient] : diagram.twins)
    dot += fmt::format("  {{ rank=same {} {} }}\n", diagram.nodes[value].id, diagram.nodes[gradient].id);
  return dot + "}\n";
}

ProcessOutput lay_out(const Diagram& diagram, std::string_view language, const SaveOptions& options) {
  const LayoutProgram& program = options.layout;
  std::vector<std::string> command{program.name, fmt::format("-T{}", language)};
  if (language == "png") command.push_back(fmt::format("-Gdpi={}", options.dpi));
  const std::string dot = dot_text(diagram);
  if (!diagram.twins.empty()) {
    try {
      return run_process(command, with_twins_abreast(dot, diagram), program.timeout);
    } catch (const ProcessError&) {  // what is wrong with the program itself is said of the picture below
    }
  }
  return run_process(command, dot, program.timeout);
}

}  // namespace

std::string image(const ComputationGraph& graph, std::string_view language, const SaveOptions& options, Notes* folded) {
  const Diagram diagram = plan_diagram(graph, options.draw, options.draw.budget.value_or(kImageBudget), {}, folded);
  if (!(options.dpi >= 10 && options.dpi <= 2400))
    throw ValueError(fmt::format("a picture of {} pixels an inch; give 10 to 2400", options.dpi));
  ProcessOutput result;
  try {
    result = lay_out(diagram, language, options);
  } catch (const ProcessError& error) {
    throw ProcessError(
        fmt::format("{}. SVG, PNG and PDF are laid out by Graphviz's dot (Debian: apt-get install graphviz); DOT and "
                    "Mermaid text need "
                    "nothing, and a smaller budget or depth makes a layout faster",
                    error.what()));
  }
  if (language == "png" && result.errors.find("too large") != std::string::npos) {
    throw ProcessError(
        "the picture is larger than the 32,767 pixels that a PNG may have a side: save it as SVG, with fewer pixels an "
        "inch, or fold "
        "it with a smaller budget or depth");
  }
  return language == "svg" ? with_description(std::move(result.output), diagram) : std::move(result.output);
}

}  // namespace tapegrad::graph
