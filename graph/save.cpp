#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <tapegrad/core/atomic_file.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/export.hpp>
#include <tapegrad/graph/internal/diagram.hpp>
#include <tapegrad/graph/internal/escape.hpp>
#include <tapegrad/graph/internal/process.hpp>
#include <tapegrad/graph/page.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/graph/snapshot.hpp>
#include <utility>

namespace tapegrad::graph {
namespace {

using Named = std::pair<std::string_view, Format>;

constexpr std::array<Named, 10> kNames{{{"mermaid", Format::mermaid},
                                        {"dot", Format::dot},
                                        {"svg", Format::svg},
                                        {"png", Format::png},
                                        {"pdf", Format::pdf},
                                        {"text", Format::text},
                                        {"json", Format::json},
                                        {"graphml", Format::graphml},
                                        {"model-explorer", Format::model_explorer},
                                        {"html", Format::html}}};
constexpr std::array<Named, 13> kSuffixes{{{".mmd", Format::mermaid},
                                           {".mermaid", Format::mermaid},
                                           {".dot", Format::dot},
                                           {".gv", Format::dot},
                                           {".svg", Format::svg},
                                           {".png", Format::png},
                                           {".pdf", Format::pdf},
                                           {".txt", Format::text},
                                           {".json", Format::json},
                                           {".graphml", Format::graphml},
                                           {".explorer.json", Format::model_explorer},
                                           {".html", Format::html},
                                           {".htm", Format::html}}};

// What dot lays out within seconds.
constexpr Budget kImageBudget{.edges = 2'000, .nodes = 1'000};

template <std::size_t N>
Format choose(const std::array<Named, N>& choices, std::string_view name, std::string_view what) {
  const auto found = std::find_if(choices.begin(), choices.end(), [&](const Named& n) { return n.first == name; });
  if (found != choices.end()) return found->second;
  std::string all;
  for (const Named& n : choices) all += fmt::format("{}{}", all.empty() ? "" : ", ", n.first);
  throw ValueError(fmt::format("{}; a graph can be written as {}", what, all));
}

std::string_view name_of(Format format) {
  return std::find_if(kNames.begin(), kNames.end(), [&](const Named& n) { return n.second == format; })->first;
}

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

std::string lay_out(const Diagram& diagram, Format format, const LayoutProgram& program) {
  ProcessOutput result;
  try {
    result = run_process({program.name, fmt::format("-T{}", name_of(format))}, dot_text(diagram), program.timeout);
  } catch (const ProcessError& error) {
    throw ProcessError(
        fmt::format("{}. SVG, PNG and PDF are laid out by Graphviz's dot (Debian: apt-get install graphviz); DOT and "
                    "Mermaid text need "
                    "nothing, and a smaller budget or depth makes a layout faster",
                    error.what()));
  }
  if (format == Format::png && result.errors.find("too large") != std::string::npos) {
    throw ProcessError(
        "the picture is larger than the 32,767 pixels that a PNG may have a side: save it as SVG, or fold it with a "
        "smaller budget or depth");
  }
  return format == Format::svg ? with_description(std::move(result.output), diagram) : std::move(result.output);
}

}  // namespace

Format parse_format(std::string_view name) { return choose(kNames, name, fmt::format("unknown format '{}'", name)); }

Format format_of(const std::filesystem::path& path) {
  std::string suffix = path.extension().string();
  if (path.stem().extension() == ".explorer") suffix = path.stem().extension().string() + suffix;
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  return choose(kSuffixes, suffix, fmt::format("'{}' has no suffix that names a format", path.string()));
}

std::string render(const ComputationGraph& graph, Format format, const SaveOptions& options,
                   std::vector<std::string>* folded) {
  switch (format) {
    case Format::mermaid:
      return to_mermaid(graph, options.draw, folded);
    case Format::dot:
      return to_dot(graph, options.draw, folded);
    case Format::text:
      return to_text(graph, options.summary);
    case Format::json:
      return to_json(graph);
    case Format::graphml:
      return to_graphml(graph);
    case Format::model_explorer:
      return to_model_explorer(graph);
    case Format::html:
      return to_html(graph, options.draw, folded);
    case Format::svg:
    case Format::png:
    case Format::pdf:
      break;
  }
  const Budget budget = options.draw.budget.value_or(kImageBudget);
  return lay_out(plan_diagram(graph, options.draw, budget, {}, folded), format, options.layout);
}

std::vector<std::string> save(const ComputationGraph& graph, const std::filesystem::path& path,
                              const SaveOptions& options) {
  std::vector<std::string> folded;
  write_file(path, render(graph, options.format ? *options.format : format_of(path), options, &folded));
  return folded;
}

}  // namespace tapegrad::graph
