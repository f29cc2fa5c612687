#include "attention_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/graph/internal/escape.hpp>

namespace tapegrad::tools {
namespace {

constexpr std::size_t kCell = 18, kLetter = 7, kGap = 6, kLongest = 24;

std::string label(const std::string& text) { return graph::xml_text(printable(text, kLongest)); }

std::size_t room_for(const std::vector<std::string>& labels) {
  std::size_t longest = 0;
  for (const std::string& text : labels) longest = std::max(longest, printable(text, kLongest).size());
  return longest * kLetter + 2 * kGap;
}

}  // namespace

std::string attention_svg(const Tensor& weights, const std::vector<std::string>& rows,
                          const std::vector<std::string>& columns) {
  const std::size_t left = room_for(rows), top = room_for(columns);
  const std::size_t width = left + columns.size() * kCell + kGap, height = top + rows.size() * kCell + kGap;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<title>What each token looked at</title>\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
      width, height);
  const auto add = [&](auto format, const auto&... values) {
    fmt::format_to(std::back_inserter(svg), fmt::runtime(format), values...);
  };
  for (std::size_t column = 0; column < columns.size(); ++column)
    add("<text transform=\"translate({} {}) rotate(-90)\">{}</text>\n", left + column * kCell + kCell * 3 / 4,
        top - kGap, label(columns[column]));
  const std::vector<double> values = weights.values();
  for (std::size_t row = 0; row < rows.size(); ++row) {
    add("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", left - kGap, top + row * kCell + kCell * 3 / 4,
        label(rows[row]));
    for (std::size_t column = 0; column < columns.size(); ++column) {
      const double weight = std::clamp(values[row * columns.size() + column], 0.0, 1.0);
      add("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#0072b2\" fill-opacity=\"{:.3f}\"><title>{:.3f}"
          "</title></rect>\n",
          left + column * kCell, top + row * kCell, kCell - 1, kCell - 1, weight, weight);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace tapegrad::tools
