#pragma once
// How things look: the outline tells what a node is, the paint too, or else its value of an overlay. Every paint sets
// fill, stroke and text colour, so that it can be read on a light page and on a dark one.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tapegrad::graph {

enum class Outline : std::uint8_t { box, rounded, stadium, cylinder, hexagon, double_box, note };

struct OutlineStyle {
  std::string_view mermaid_open, mermaid_close;
  std::string_view dot_shape, dot_style;
  int dot_lines = 1;
};

inline const OutlineStyle& style_of(Outline outline) {
  static constexpr std::array<OutlineStyle, 7> kStyles{{
      {"[", "]", "box", "filled"},
      {"(", ")", "box", "rounded,filled"},
      {"([", "])", "box", "rounded,filled"},
      {"[(", ")]", "cylinder", "filled"},
      {"{{", "}}", "hexagon", "filled"},
      {"[[", "]]", "box", "filled", 2},
      {"[/", "/]", "note", "filled"},
  }};
  return kStyles[static_cast<std::size_t>(outline)];
}

enum class Paint : std::uint8_t {
  input,
  parameter,
  constant,
  pointwise,
  contraction,
  reduction,
  shape,
  indexing,
  normalization,
  random,
  loss,
  recurrence,
  algebra,
  op,
  output,
  gradient,
  scope,
  rest,
  heat0,
  heat1,
  heat2,
  heat3,
  heat4,
  alert,
  added,
  removed,
  changed,
};

struct PaintStyle {
  std::string_view name, meaning;
  std::string_view fill, stroke, text;
  std::string_view family = name;  ///< of the ops that have it
};

inline constexpr std::array<PaintStyle, 27> kPaints{{
    {"input", "input", "#dbeafe", "#1d4ed8", "#0b1f4b"},
    {"parameter", "parameter", "#fef3c7", "#b45309", "#3b1d03"},
    {"constant", "constant", "#e2e8f0", "#64748b", "#1e293b"},
    {"pointwise", "elementwise op", "#ecfccb", "#4d7c0f", "#1a2e05"},
    {"contraction", "product, convolution", "#e0e7ff", "#4338ca", "#1e1b4b"},
    {"reduction", "reduction", "#fae8ff", "#a21caf", "#3b0764"},
    {"shape", "change of shape", "#f5f5f4", "#78716c", "#1c1917"},
    {"indexing", "gather, scatter", "#cffafe", "#0e7490", "#083344"},
    {"normalization", "normalization", "#ccfbf1", "#0f766e", "#042f2e"},
    {"random", "random op", "#ffe4e6", "#be123c", "#4c0519"},
    {"loss", "loss", "#ffedd5", "#c2410c", "#431407"},
    {"recurrence", "recurrence", "#f3e8ff", "#7e22ce", "#3b0764"},
    {"algebra", "linear algebra", "#e0f2fe", "#0369a1", "#082f49", "linear algebra"},
    {"op", "other op", "#ffffff", "#475569", "#0f172a"},
    {"output", "output", "#dcfce7", "#15803d", "#052e16"},
    {"gradient", "gradient", "#fce7f3", "#be185d", "#500724"},
    {"scope", "scope, drawn as one", "#ede9fe", "#6d28d9", "#2e1065"},
    {"rest", "left out", "#f8fafc", "#94a3b8", "#334155"},
    {"heat0", "", "#fff5eb", "#a63603", "#431407"},
    {"heat1", "", "#fdd0a2", "#a63603", "#431407"},
    {"heat2", "", "#fd8d3c", "#7f2704", "#1c0a00"},
    {"heat3", "", "#c2410c", "#431407", "#ffffff"},
    {"heat4", "", "#7f2704", "#1c0a00", "#ffffff"},
    {"alert", "", "#fee2e2", "#b91c1c", "#450a0a"},
    {"added", "added", "#dcfce7", "#15803d", "#052e16"},
    {"removed", "removed", "#fee2e2", "#b91c1c", "#450a0a"},
    {"changed", "changed", "#fef3c7", "#b45309", "#3b1d03"},
}};

inline const PaintStyle& style_of(Paint paint) { return kPaints[static_cast<std::size_t>(paint)]; }

/// The paint of a family of ops; that of a plain op for one it does not know.
Paint paint_of_family(std::string_view family);

}  // namespace tapegrad::graph
