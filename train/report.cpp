#include <tapegrad/train/observers.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <tapegrad/core/internal/atomic_file.hpp>

namespace tapegrad::train {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1, h2 { line-height: 1.2 }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #8884 }
th:first-child, td:first-child { text-align: left }
.matrix td { min-width: 2.5rem; border: 1px solid #8884 }
.picture { overflow: auto; border: 1px solid #8884; padding: .5rem }
.picture svg { max-width: 100%; min-width: min(40rem, 150vw); height: auto }
pre { overflow: auto }
</style>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  return out;
}

// An SVG file as an element of a page: without what stands before it.
std::string_view element_of(std::string_view svg) {
  const std::size_t begin = svg.find("<svg");
  return begin == std::string_view::npos ? "" : svg.substr(begin);
}

class Page {
 public:
  template <class... A>
  void add(fmt::format_string<A...> format, A&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<A>(arguments)...);
  }
  void heading(std::string_view text) { add("<h2>{}</h2>\n", escaped(text)); }
  void row(const std::vector<std::string>& cells, const char* tag = "td") {
    add("<tr>");
    for (const std::string& cell : cells) add("<{0}>{1}</{0}>", tag, escaped(cell));
    add("</tr>\n");
  }
  void picture(std::string_view svg) { add("<div class=\"picture\">{}</div>\n", element_of(svg)); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_{kHead};
};

std::vector<std::string> metric_names(std::span<const EpochRecord> epochs) {
  std::vector<std::string> names;
  if (!epochs.empty())
    for (const auto& [name, value] : epochs.front().train.metrics) names.push_back(name);
  return names;
}

double figure(const Scores& scores, const std::string& name) {
  if (name == "loss") return scores.loss;
  for (const auto& [metric, value] : scores.metrics)
    if (metric == name) return value;
  return std::numeric_limits<double>::quiet_NaN();
}

void add_epochs(Page& page, std::span<const EpochRecord> epochs) {
  std::vector<std::string> names = metric_names(epochs), header{"epoch"};
  names.insert(names.begin(), "loss");
  const bool validates = std::ranges::any_of(epochs, [](const EpochRecord& e) { return e.validation.has_value(); });
  for (const std::string& name : names) {
    header.push_back(name);
    if (validates) header.push_back("validation " + name);
  }
  header.insert(header.end(), {"learning rate", "time"});
  page.heading("Epochs");
  page.add("<table>\n");
  page.row(header, "th");
  for (const EpochRecord& e : epochs) {
    std::vector<std::string> cells{std::to_string(e.epoch)};
    for (const std::string& name : names) {
      cells.push_back(fmt::format("{:.4f}", figure(e.train, name)));
      if (validates) cells.push_back(e.validation ? fmt::format("{:.4f}", figure(*e.validation, name)) : "");
    }
    cells.push_back(fmt::format("{:.3g}", e.lr));
    cells.push_back(format_seconds(e.seconds));
    page.row(cells);
  }
  page.add("</table>\n");
}

void add_matrix(Page& page, const ConfusionMatrix& matrix, const std::vector<std::string>& class_names) {
  const auto name_of = [&](std::int64_t c) {
    return c < std::ssize(class_names) ? class_names[static_cast<std::size_t>(c)] : std::to_string(c);
  };
  page.heading("Confusion matrix");
  page.add(
      "<p>Rows are the classes, columns the answers; the last two columns say how many answers are right and how "
      "many of the class are found.</p>\n<table class=\"matrix\">\n<tr><th></th>");
  for (std::int64_t c = 0; c < matrix.classes(); ++c) page.add("<th>{}</th>", escaped(name_of(c)));
  page.add("<th>precision</th><th>recall</th></tr>\n");
  for (std::int64_t t = 0; t < matrix.classes(); ++t) {
    page.add("<tr><th>{}</th>", escaped(name_of(t)));
    const auto samples = static_cast<double>(std::max<std::int64_t>(matrix.of_class(t), 1));
    for (std::int64_t a = 0; a < matrix.classes(); ++a) {
      // Blue for what is right, orange for what is not, by the share of the class.
      const double share = static_cast<double>(matrix.count(t, a)) / samples;
      page.add("<td style=\"background: rgba({}, {:.3f})\">{}</td>", t == a ? "0, 114, 178" : "213, 94, 0",
               0.75 * std::sqrt(share), matrix.count(t, a));
    }
    page.add("<td>{:.3f}</td><td>{:.3f}</td></tr>\n", matrix.precision(t), matrix.recall(t));
  }
  page.add("</table>\n");
}

}  // namespace

std::string curves_svg(std::span<const EpochRecord> epochs) {
  std::vector<std::string> names = metric_names(epochs);
  names.insert(names.begin(), "loss");
  std::vector<Panel> panels;
  for (const std::string& name : names) {
    Panel& panel = panels.emplace_back(Panel{name, {{"training", {}}, {"validation", {}}}});
    for (const EpochRecord& e : epochs) {
      panel.series[0].values.push_back(figure(e.train, name));
      if (e.validation) panel.series[1].values.push_back(figure(*e.validation, name));
    }
  }
  return line_chart_svg("Learning curves", "epoch", panels);
}

std::string report_html(const Report& report) {
  Page page;
  page.add("<title>{0}</title>\n</head>\n<body>\n<h1>{0}</h1>\n", escaped(report.title));
  if (!report.facts.empty()) {
    page.add("<table>\n");
    for (const auto& [name, value] : report.facts) page.row({name, value});
    page.add("</table>\n");
  }
  for (const ReportTable& table : report.tables) {
    page.heading(table.title);
    page.add("<table>\n");
    page.row(table.header, "th");
    for (const std::vector<std::string>& row : table.rows) page.row(row);
    page.add("</table>\n");
  }
  if (!report.epochs.empty()) {
    page.heading("Learning curves");
    page.picture(curves_svg(report.epochs));
    add_epochs(page, report.epochs);
  }
  if (report.confusion.classes() > 0) add_matrix(page, report.confusion, report.class_names);
  if (!report.summary.empty()) {
    page.heading("Model");
    page.add("<pre>{}</pre>\n", escaped(report.summary));
  }
  if (!report.graph_svg.empty()) {
    page.heading("Graph");
    page.picture(report.graph_svg);
  }
  page.add("</body>\n</html>\n");
  return page.take();
}

void save_report(const std::filesystem::path& path, const Report& report) { write_file(path, report_html(report)); }

}  // namespace tapegrad::train
