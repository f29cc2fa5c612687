#pragma once
// Whether a Mermaid diagram, written by whatever program, is drawn where it is to be shown.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tapegrad::graph {

struct MermaidSize {
  std::size_t characters = 0;         ///< as Mermaid counts: UTF-16 units without comments, directives and front matter
  std::size_t source_characters = 0;  ///< as the sites count that look at the source
  std::size_t edges = 0;              ///< of a flowchart, with a & b --> c as two; 0 for other diagrams
};

MermaidSize measure_mermaid(std::string_view text);

struct SiteVerdict {
  std::string_view site;
  bool fits = false;
  std::string reason;  ///< the counts beside the limits
};

/// For GitHub, GitLab and Gitea at their defaults. Gitea and GitHub draw nothing but an error beyond their limits;
/// GitLab waits for a click, and counts all diagrams of a page together.
std::vector<SiteVerdict> check_mermaid(std::string_view text);

}  // namespace tapegrad::graph
