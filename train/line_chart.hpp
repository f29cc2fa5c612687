#pragma once
// A line chart as SVG.

#include <string>
#include <vector>

namespace tapegrad::train {

struct Series {
  std::string name;
  std::vector<double> values;  ///< at x = 1, 2, …; NaN leaves a gap
};

struct Panel {
  std::string title;
  std::vector<Series> series;
};

/// Panels side by side, over one x axis each, labelled `x_label`. Lines differ in dash as well as in colour.
std::string line_chart_svg(const std::string& title, const std::string& x_label, const std::vector<Panel>& panels);

}  // namespace tapegrad::train
