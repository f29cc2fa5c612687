#include <tapegrad/train/observers.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>

namespace tapegrad::train {
namespace {

constexpr double kPanelWidth = 420, kPanelHeight = 300, kLeft = 62, kRight = 18, kTop = 58, kBottom = 46;

// Colours that differ for the colour-blind too (Okabe and Ito), each with a dash of its own.
struct Pen {
  const char *colour, *dash;
};
constexpr std::array<Pen, 4> kPens{
    {{"#0072b2", "none"}, {"#d55e00", "7 4"}, {"#009e73", "2 3"}, {"#cc79a7", "10 3 2 3"}}};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

// A step of 1, 2 or 5 times a power of ten that divides `range` into about five.
double tick_step(double range) {
  const double raw = range / 5, magnitude = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (raw <= factor * magnitude) return factor * magnitude;
  return 10 * magnitude;
}

class Canvas {
 public:
  template <class... A>
  void add(fmt::format_string<A...> format, A&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<A>(arguments)...);
    text_ += '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void draw(Canvas& canvas, const Panel& panel, const std::string& x_label, double left) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  std::size_t count = 1;
  for (const Series& series : panel.series) {
    count = std::max(count, series.values.size());
    for (const double v : series.values)
      if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  }
  if (!(low <= high)) low = 0, high = 1;
  if (high - low < 1e-12 * std::max(1.0, std::abs(high))) low -= 0.5, high += 0.5;
  const double step = tick_step(high - low);
  low = std::floor(low / step) * step;
  high = std::ceil(high / step) * step;

  const double width = kPanelWidth - kLeft - kRight, height = kPanelHeight - kTop - kBottom;
  const auto x_of = [&](std::size_t i) {
    return left + kLeft + (count > 1 ? width * static_cast<double>(i) / static_cast<double>(count - 1) : width / 2);
  };
  const auto y_of = [&](double v) { return kTop + height * (high - v) / (high - low); };

  canvas.add(R"(<text x="{:.1f}" y="{:.1f}" class="title">{}</text>)", left + kLeft, kTop - 30, escaped(panel.title));
  for (double v = low; v <= high + step / 2; v += step) {
    canvas.add(R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="grid"/>)", left + kLeft, y_of(v),
               left + kLeft + width, y_of(v));
    canvas.add(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{:.4g}</text>)", left + kLeft - 6, y_of(v) + 4,
               std::abs(v) < step / 1e6 ? 0.0 : v);
  }
  const std::size_t every = std::max<std::size_t>(1, (count + 9) / 10);
  for (std::size_t i = 0; i < count; i += every)
    canvas.add(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", x_of(i), kTop + height + 18, i + 1);
  canvas.add(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", left + kLeft + width / 2,
             kTop + height + 36, escaped(x_label));

  double legend = left + kLeft;
  for (std::size_t s = 0; s < panel.series.size(); ++s) {
    const Pen& pen = kPens[s % kPens.size()];
    const Series& series = panel.series[s];
    std::string points;
    const auto flush = [&] {
      if (!points.empty())
        canvas.add(R"(<polyline points="{}" fill="none" stroke="{}" stroke-width="2" stroke-dasharray="{}"/>)", points,
                   pen.colour, pen.dash);
      points.clear();
    };
    for (std::size_t i = 0; i < series.values.size(); ++i) {
      if (!std::isfinite(series.values[i])) {
        flush();
        continue;
      }
      points += fmt::format("{:.1f},{:.1f} ", x_of(i), y_of(series.values[i]));
      // A pointer on it shows the value.
      canvas.add(R"(<circle cx="{:.1f}" cy="{:.1f}" r="2.5" fill="{}"><title>{} {}: {} {:.4g}</title></circle>)",
                 x_of(i), y_of(series.values[i]), pen.colour, escaped(x_label), i + 1, escaped(series.name),
                 series.values[i]);
    }
    flush();
    canvas.add(
        R"(<line x1="{0:.1f}" y1="{1:.1f}" x2="{2:.1f}" y2="{1:.1f}" stroke="{3}" stroke-width="2" stroke-dasharray="{4}"/>)",
        legend, kTop - 14, legend + 26, pen.colour, pen.dash);
    canvas.add(R"(<text x="{:.1f}" y="{:.1f}">{}</text>)", legend + 32, kTop - 10, escaped(series.name));
    legend += 50 + 8 * static_cast<double>(series.name.size());
  }
}

}  // namespace

std::string line_chart_svg(const std::string& title, const std::string& x_label, const std::vector<Panel>& panels) {
  const double width = kPanelWidth * static_cast<double>(std::max<std::size_t>(panels.size(), 1)),
               height = kPanelHeight + 26;
  Canvas canvas;
  canvas.add(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" height="{1:.0f}" class="line-chart" role="img" aria-labelledby="line-chart-title">)",
      width, height);
  canvas.add(R"(<title id="line-chart-title">{}</title>)", escaped(title));
  canvas.add(
      "<style>.line-chart text{{font:12px sans-serif;fill:#222}}.line-chart .title{{font-weight:bold}}"
      ".line-chart .grid{{stroke:#ccc}}.line-chart .paper{{fill:#fff}}.line-chart "
      "circle:hover{{stroke:#888;stroke-width:6}}"
      "@media (prefers-color-scheme:dark){{.line-chart text{{fill:#e6edf3}}.line-chart .grid{{stroke:#3d444d}}"
      ".line-chart .paper{{fill:#0d1117}}}}</style>");
  canvas.add(R"(<rect width="100%" height="100%" class="paper"/>)");
  canvas.add(R"(<text x="16" y="20" style="font-size:14px;font-weight:bold">{}</text>)", escaped(title));
  canvas.add("<g transform='translate(0 26)'>");
  for (std::size_t i = 0; i < panels.size(); ++i)
    draw(canvas, panels[i], x_label, kPanelWidth * static_cast<double>(i));
  canvas.add("</g></svg>");
  return canvas.take();
}

}  // namespace tapegrad::train
