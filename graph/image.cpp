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

// Says to those who cannot see it what the picture shows.
std::string with_description(std::string svg, const Diagram& diagram) {
  const std::size_t tag = svg.find("<svg");
  const std::size_t end = tag == std::string::npos ? tag : svg.find('>', tag);
  if (end == std::string::npos) throw ProcessError("the layout program wrote something else than SVG");
  svg.insert(end + 1, fmt::format("\n<title id=\"graph-title\">{}</title>\n<desc id=\"graph-description\">{}</desc>",
                                  xml_text(diagram.title), xml_text(diagram.description)));
  svg.insert(tag + 4, " role=\"img\" aria-labelledby=\"graph-title graph-description\"");
  return svg;
}

}  // namespace

std::string image(const ComputationGraph& graph, std::string_view language, const SaveOptions& options, Notes* folded) {
  const Diagram diagram = plan_diagram(graph, options.draw, options.draw.budget.value_or(kImageBudget), {}, folded);
  const LayoutProgram& program = options.layout;
  ProcessOutput result;
  try {
    result = run_process({program.name, fmt::format("-T{}", language)}, dot_text(diagram), program.timeout);
  } catch (const ProcessError& error) {
    throw ProcessError(
        fmt::format("{}. SVG, PNG and PDF are laid out by Graphviz's dot (Debian: apt-get install graphviz); DOT and "
                    "Mermaid text need "
                    "nothing, and a smaller budget or depth makes a layout faster",
                    error.what()));
  }
  if (language == "png" && result.errors.find("too large") != std::string::npos) {
    throw ProcessError(
        "the picture is larger than the 32,767 pixels that a PNG may have a side: save it as SVG, or fold it with a "
        "smaller budget or depth");
  }
  return language == "svg" ? with_description(std::move(result.output), diagram) : std::move(result.output);
}

}  // namespace tapegrad::graph
