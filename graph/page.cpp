#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/escape.hpp>
#include <tapegrad/graph/internal/page.hpp>
#include <tapegrad/graph/internal/page_assets.hpp>
#include <tapegrad/graph/internal/page_data.hpp>
#include <tapegrad/graph/internal/style.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

// JSON between the tags of a script.
std::string script_data(const nlohmann::ordered_json& json) {
  std::string text = json.dump();
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at))
    text.replace(at, 1, "\\u003c");
  return text;
}

std::string paints() {
  nlohmann::ordered_json paints, outlines;
  for (const PaintStyle& style : kPaints) {
    paints[std::string(style.name)] = {{"meaning", style.meaning},
                                       {"family", style.family},
                                       {"fill", style.fill},
                                       {"stroke", style.stroke},
                                       {"text", style.text}};
  }
  for (const auto& [name, outline] : {std::pair("box", Outline::box), std::pair("stadium", Outline::stadium),
                                      std::pair("cylinder", Outline::cylinder), std::pair("hexagon", Outline::hexagon),
                                      std::pair("note", Outline::note), std::pair("double_box", Outline::double_box)}) {
    outlines[name] = {style_of(outline).mermaid_open, style_of(outline).mermaid_close};
  }
  return script_data({{"paints", paints}, {"outlines", outlines}});
}

std::string start(const DrawOptions& options) {
  constexpr std::array kOverlays{"none", "gradient-norm", "values", "non-finite", "time", "saved-bytes"};
  constexpr std::array kPasses{"forward", "backward", "joint"};
  nlohmann::ordered_json start{{"direction", options.direction == Direction::down ? "TB" : "LR"},
                               {"pass", kPasses[static_cast<std::size_t>(options.pass)]},
                               {"overlay", kOverlays[static_cast<std::size_t>(options.overlay)]},
                               {"focus", valid_utf8(options.focus)}};
  if (options.depth) start["depth"] = *options.depth;
  if (options.unfold) start["unfold"] = true;
  if (options.parameters != Parameters::nodes) start["parametersInside"] = true;
  return script_data(start);
}

// Puts the parts in the places of their {{markers}}.
std::string filled(std::string_view html, const std::map<std::string_view, std::string>& parts) {
  std::string text;
  for (std::size_t open = html.find("{{"); open != std::string_view::npos; open = html.find("{{")) {
    const std::size_t close = html.find("}}", open);
    text += html.substr(0, open);
    text += parts.at(html.substr(open + 2, close - open - 2));
    html.remove_prefix(close + 2);
  }
  return text += html;
}

std::string description_of(const ComputationGraph& graph) {
  double parameters = 0;
  for (const Vertex& v : graph.vertices()) {
    if (v.kind == VertexKind::parameter) parameters += element_count(v);
  }
  return fmt::format("{} values, {} gradients, {} parameters", grouped(static_cast<double>(graph.forward_size())),
                     grouped(static_cast<double>(graph.size() - graph.forward_size())), grouped(parameters));
}

}  // namespace

std::string page_text(const ComputationGraph& graph, const DrawOptions& options,
                      const std::map<VertexIndex, Mark>* marks, std::string description,
                      std::vector<std::string>* folded) {
  const Sketch layers = marks ? Sketch(graph) : layer_view(graph, options.parameters);
  if (folded) folded->clear();

  const std::string& title = options.title.empty() ? graph.title() : options.title;
  const std::string shown_title = title.empty() ? "Computation graph" : page_line(valid_utf8(title));
  const PageAssets& assets = kPageAssets;
  return filled(assets.html, {{"title", xml_text(shown_title)},
                              {"description", xml_text(description.empty() ? description_of(graph) : description)},
                              {"rows", page_rows(layers)},
                              {"graph", page_data(layers, options, marks)},
                              {"paints", paints()},
                              {"start", start(options)},
                              {"style", std::string(assets.style)},
                              {"style hash", std::string(assets.style_hash)},
                              {"layout script", std::string(assets.layout_script)},
                              {"script", fmt::format("{}", fmt::join(assets.scripts, ""))},
                              {"script hashes", fmt::format("{} {}", assets.layout_script_hash, assets.script_hash)}});
}

std::string to_html(const ComputationGraph& graph, const DrawOptions& options, std::vector<std::string>* folded) {
  return page_text(graph, options, nullptr, {}, folded);
}

}  // namespace tapegrad::graph
