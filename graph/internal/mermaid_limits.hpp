#pragma once
// Whether a Mermaid diagram, written by whatever program, is drawn where it is to be shown.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapegrad::graph {

struct MermaidSize {
  std::size_t characters = 0;         ///< as Mermaid counts: UTF-16 units without comments, directives and front matter
  std::size_t source_characters = 0;  ///< as the sites count that look at the source
  std::size_t edges = 0;              ///< of a flowchart, with a & b --> c as two; 0 for other diagrams
};

/// Of one diagram, with a byte order mark or without; lines may end with CR.
MermaidSize measure_mermaid(std::string_view text);

struct MermaidDiagram {
  std::int64_t line = 1;  ///< of the file, where it begins
  std::string text;
};

/// The diagrams in a file: the one that it is, or those of a Markdown page, in fences (``` or ~~~ or :::) marked
/// mermaid. Throws IoError, which begins with `origin`, if there is none.
std::vector<MermaidDiagram> mermaid_diagrams(std::string_view text, std::string_view origin = "diagram");

struct SiteVerdict {
  std::string_view site;
  bool fits = false;
  std::string reason;  ///< the counts beside the limits
};

/// For GitHub, GitLab and Gitea at their defaults. Gitea and GitHub draw nothing but an error beyond their limits;
/// GitLab waits for a click, and counts all diagrams of a page together.
std::vector<SiteVerdict> check_mermaid(std::string_view text);

}  // namespace tapegrad::graph
