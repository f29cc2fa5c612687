#pragma once
// One routine for each place that a text may be written to. All take drawable text (internal/text.hpp).

#include <string>
#include <string_view>

namespace tapegrad::graph {

/// Text between the quotes of a Mermaid label. It reads the same whether the site draws labels as HTML or as SVG text,
/// for which a few sequences that Mermaid would interpret are broken by a space and quotes become apostrophes.
std::string mermaid_label(std::string_view raw);

/// The same on one line, for accTitle and accDescr.
std::string mermaid_line(std::string_view raw);

/// Text within an HTML-like label of DOT; line feeds become <BR/>.
std::string dot_label(std::string_view text);

/// A quoted string of DOT, with the quotes; line feeds become \n.
std::string dot_string(std::string_view text);

/// Character data or a quoted attribute value of XML.
std::string xml_text(std::string_view text);

}  // namespace tapegrad::graph
