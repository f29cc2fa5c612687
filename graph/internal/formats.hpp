#pragma once
// The formats that graphs are written in: the one list that save(), the program, its help and docs/graphs.md go by. A
// new format is declared and listed here.

#include <array>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/diff.hpp>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/save.hpp>

namespace tapegrad::graph {

using Notes = std::vector<std::string>;

/// A picture that the layout program makes, in its language "svg", "png" or "pdf".
std::string image(const ComputationGraph& graph, std::string_view language, const SaveOptions& options, Notes* folded);

/// Markdown with diagrams in it, as GitHub draws it.
std::string to_markdown(const ComputationGraph& graph, const SaveOptions& options, Notes* folded);
std::string to_markdown(const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after);

/// A node a line, with the edges beside it.
std::string edges_text(const ComputationGraph& graph, const SaveOptions& options, Notes* folded);

inline constexpr std::array kFormats{
    Format{"mermaid", ".mmd .mermaid", "a diagram that GitHub, GitLab and many editors draw; text, to be pasted",
           [](const ComputationGraph& graph, const SaveOptions& options, Notes* folded) {
             return to_mermaid(graph, options.draw, folded);
           },
           [](const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after) {
             return to_mermaid(diff, before, after);
           }},
    Format{"dot", ".dot .gv", "text for Graphviz",
           [](const ComputationGraph& graph, const SaveOptions& options, Notes* folded) {
             return to_dot(graph, options.draw, folded);
           }},
    Format{"svg", ".svg", "a picture, laid out by Graphviz, that can be searched and scaled",
           [](const ComputationGraph& graph, const SaveOptions& options, Notes* folded) {
             return image(graph, "svg", options, folded);
           }},
    Format{"png", ".png", "the same, of pixels",
           [](const ComputationGraph& graph, const SaveOptions& options, Notes* folded) {
             return image(graph, "png", options, folded);
           }},
    Format{"pdf", ".pdf", "the same, for print",
           [](const ComputationGraph& graph, const SaveOptions& options, Notes* folded) {
             return image(graph, "pdf", options, folded);
           }},
    Format{"text", ".txt",
           "a table of layers with shapes, parameters, costs and memory; or the graph, drawn line by line",
           [](const ComputationGraph& graph, const SaveOptions& options, Notes* folded) {
             return options.text.edges ? edges_text(graph, options, folded) : to_text(graph, options.summary);
           },
           [](const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after) {
             return to_text(diff, before, after);
           }},
    Format{"json", ".json", "a snapshot, which the program reads again",
           [](const ComputationGraph& graph, const SaveOptions&, Notes*) { return to_json(graph); }},
    Format{"graphml", ".graphml", "for Gephi, yEd, Cytoscape, networkx and Boost",
           [](const ComputationGraph& graph, const SaveOptions&, Notes*) { return to_graphml(graph); }},
    Format{"model-explorer", ".explorer.json", "for Google's Model Explorer",
           [](const ComputationGraph& graph, const SaveOptions&, Notes*) { return to_model_explorer(graph); }},
    Format{"github", ".md", "Markdown with the diagram and a table, for a README or a pull request",
           [](const ComputationGraph& graph, const SaveOptions& options, Notes* folded) {
             return to_markdown(graph, options, folded);
           },
           [](const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after) {
             return to_markdown(diff, before, after);
           }},
    Format{"html", ".html .htm", "a page to explore, in one file",
           [](const ComputationGraph& graph, const SaveOptions& options, Notes* folded) {
             return to_html(graph, options.draw, folded);
           },
           [](const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after) {
             return to_html(diff, before, after);
           }},
};

}  // namespace tapegrad::graph
