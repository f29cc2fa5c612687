#pragma once
// The parts of the page that are the same for every graph: the files of graph/page, which the build turns into this.

#include <span>
#include <string_view>

namespace tapegrad::graph {

struct PageAssets {
  std::string_view html;  ///< with {{markers}} where the rest goes
  std::string_view style, layout_script;
  std::span<const std::string_view> scripts;  ///< one after the other the page's script
  std::string_view style_hash, layout_script_hash, script_hash;  ///< as a content security policy quotes them
};

extern const PageAssets kPageAssets;

}  // namespace tapegrad::graph
