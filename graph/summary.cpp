#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/internal/labels.hpp>
#include <tapegrad/graph/internal/sketch.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <vector>

namespace tapegrad::graph {
namespace {

constexpr std::size_t kLongestCell = 60;

struct Totals {
  double parameters = 0, trainable = 0, parameter_bytes = 0, flops = 0, saved_bytes = 0;

  void add(const Vertex& v) {
    flops += v.flops;
    saved_bytes += v.saved_bytes;
    if (v.kind != VertexKind::parameter) return;
    parameters += element_count(v);
    parameter_bytes += value_bytes(v);
    if (v.requires_grad) trainable += element_count(v);
  }
};

// Columns as wide as their widest cell; the first two are flush left, numbers flush right.
class Table {
 public:
  using Row = std::array<std::string, 6>;

  Table(Row heading, std::size_t columns) : columns_(columns) { add(std::move(heading)); }

  void add(Row row) {
    for (std::size_t c = 0; c < row.size(); ++c) widths_[c] = std::max(widths_[c], display_width(row[c]));
    rows_.push_back(std::move(row));
  }

  std::string text() {
    fit();
    std::string text;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      std::string line;
      for (std::size_t c = 0; c < shown_; ++c) {
        const std::string cell = c < 3 ? shorten(rows_[r][c], widths_[c]) : rows_[r][c];
        const std::string pad(widths_[c] - std::min(widths_[c], display_width(cell)), ' ');
        line += (c == 0 ? "" : "  ") + (c < 3 ? cell + pad : pad + cell);
      }
      text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
      if (r == 0) text += rule();
    }
    return text + rule();
  }

 private:
  std::size_t width() const {
    std::size_t width = 2 * (shown_ - 1);
    for (std::size_t c = 0; c < shown_; ++c) width += widths_[c];
    return width;
  }

  // Leaves out as few columns from the right as will do where the texts are cut down to what can be told apart.
  void fit() {
    static constexpr std::array<std::size_t, 3> kLeast{24, 12, 14};
    for (const auto whole = widths_; width() > columns_ && shown_ > 1; --shown_, widths_ = whole) {
      const auto spare = [this](std::size_t c) { return widths_[c] - std::min(widths_[c], kLeast[c]); };
      while (width() > columns_) {
        std::size_t cut = 0;
        for (std::size_t c = 1; c < std::min(shown_, kLeast.size()); ++c)
          if (spare(c) > spare(cut)) cut = c;
        if (spare(cut) == 0) break;
        --widths_[cut];
      }
      if (width() <= columns_) return;
    }
    widths_[0] = std::min(widths_[0], columns_);
  }

  std::string rule() const {
    std::string line;
    for (std::size_t i = 0; i < width(); ++i) line += "─";
    return line + "\n";
  }

  std::vector<Row> rows_;
  std::array<std::size_t, 6> widths_{};
  std::size_t columns_, shown_ = 6;
};

class Summary {
 public:
  Summary(const ComputationGraph& graph, const SummaryOptions& options)
      : graph_(graph), options_(options), sketch_(graph), writer_(sketch_, draw_options_, style_) {
    if (options.fold) fold_repeats(sketch_);
  }

  std::string text() {
    measure_frames();
    list_rows();
    const std::string& title = graph_.title();
    std::string text = fmt::format("{}: {} values, {} gradients\n\n", title.empty() ? "graph" : one_line(title),
                                   grouped(static_cast<double>(graph_.forward_size())),
                                   grouped(static_cast<double>(graph_.size() - graph_.forward_size())));
    text += table_.text();
    const Totals& all = totals_[0];
    text += total("parameters", fmt::format("{} ({}), {} of them trainable", grouped(all.parameters),
                                            bytes_text(all.parameter_bytes), grouped(all.trainable)));
    text += total("arithmetic operations", metric(all.flops) + " forward");
    const bool released =
        std::any_of(graph_.vertices().begin(), graph_.vertices().end(), [](const Vertex& v) { return v.released; });
    text += total("saved for backward", fmt::format("{}{}", bytes_text(all.saved_bytes),
                                                    released ? ", freed by backward() before the capture" : ""));
    text += total("peak memory, estimated", bytes_text(estimate_memory(graph_).peak));
    return text;
  }

 private:
  struct Child {
    VertexIndex key;
    bool is_frame;
    std::uint32_t index;
  };

  std::string total(std::string_view name, const std::string& what) const {
    constexpr std::size_t kName = 23, kLeast = 12;
    std::string text;
    for (const std::string& line : wrapped(what, std::max(options_.columns, kName + kLeast) - kName))
      text += fmt::format("{:<{}}{}\n", text.empty() ? name : "", kName, line);
    return text;
  }

  static std::string one_line(const std::string& text) {
    std::string line = drawable(text);
    std::replace(line.begin(), line.end(), '\n', ' ');
    return shorten(line, kLongestCell);
  }

  // What each frame holds, in itself and in the frames within it.
  void measure_frames() {
    const std::size_t count = sketch_.frames().size();
    totals_.resize(count);
    last_op_.assign(count, std::nullopt);
    computes_.assign(count, false);
    children_.resize(count);
    std::vector<VertexIndex> first(count, ~VertexIndex{0}), any = first;  // op, vertex
    for (ItemIndex i = 0; i < sketch_.items().size(); ++i) {
      const Item& item = sketch_.items()[i];
      children_[item.frame].push_back({item.shown, false, i});
      if (!is_leaf(graph_[item.shown])) computes_[item.frame] = true;
      for (FrameIndex f = item.frame;; f = sketch_.frames()[f].parent) {
        for (const VertexIndex v : item.members) totals_[f].add(graph_[v]);
        if (!is_leaf(graph_[item.shown])) last_op_[f] = std::max(last_op_[f].value_or(0), item.shown);
        if (!sketch_.is_leaf_item(i)) first[f] = std::min(first[f], item.shown);
        any[f] = std::min(any[f], item.shown);
        if (f == 0) break;
      }
    }
    for (FrameIndex f = 1; f < count; ++f) {
      if (any[f] == ~VertexIndex{0}) continue;
      const VertexIndex key = first[f] == ~VertexIndex{0} ? any[f] : first[f];
      children_[sketch_.frames()[f].parent].push_back({key, true, f});
    }
    for (auto& list : children_) {
      std::sort(list.begin(), list.end(), [](const Child& a, const Child& b) {
        return a.key != b.key ? a.key < b.key : a.is_frame < b.is_frame;
      });
      std::erase_if(list, [&](const Child& c) { return !c.is_frame && !has_row(c.index); });
    }
  }

  bool has_row(ItemIndex i) const {
    const Item& item = sketch_.items()[i];
    const VertexKind kind = graph_[item.shown].kind;
    if (kind == VertexKind::constant) return false;
    if (item.frame == 0) return true;
    return options_.ops && kind != VertexKind::parameter;
  }

  void list_rows() {
    struct Open {
      FrameIndex frame;
      std::string indent;  // of its children
      std::size_t next = 0;
    };
    std::vector<Open> stack{{0, ""}};
    while (!stack.empty()) {
      Open& top = stack.back();
      const std::vector<Child>& list = children_[top.frame];
      if (top.next == list.size()) {
        stack.pop_back();
        continue;
      }
      const Child child = list[top.next++];
      const bool outermost = stack.size() == 1, last = top.next == list.size();
      const std::string branch = outermost ? "" : top.indent + (last ? "└─ " : "├─ ");
      if (!child.is_frame) {
        add_row(branch, child.index);
        continue;
      }
      const std::string inner = outermost ? "" : top.indent + (last ? "   " : "│  ");
      FrameIndex frame = child.index;
      std::string name = sketch_.frames()[frame].name;
      while (sketch_.frames()[frame].times == 1 && children_[frame].size() == 1 && children_[frame][0].is_frame &&
             !computes_[frame]) {
        frame = children_[frame][0].index;
        name += "." + sketch_.frames()[frame].name;
      }
      add_frame_row(branch, name, frame);
      if (!options_.depth || sketch_.frames()[frame].depth < *options_.depth) stack.push_back({frame, inner});
    }
  }

  void add_row(const std::string& branch, ItemIndex i) {
    const Item& item = sketch_.items()[i];
    const Vertex& v = graph_[item.shown];
    Totals totals;
    for (const VertexIndex member : item.members) totals.add(graph_[member]);
    const std::string kind(v.op.empty() ? to_string(v.kind) : std::string_view(v.op));
    table_.add(cells(branch + one_line(writer_.node(i, false).lines[0]), one_line(kind), v, totals));
  }

  void add_frame_row(const std::string& branch, const std::string& name, FrameIndex frame) {
    const std::uint32_t times = sketch_.frames()[frame].times;
    const std::string title = branch + one_line(name) + (times > 1 ? times_text(times) : "");
    const std::optional<VertexIndex> result = last_op_[frame];
    auto row = cells(title, ops_of(frame), result ? graph_[*result] : Vertex{}, totals_[frame]);
    if (!result) row[2].clear();
    table_.add(std::move(row));
  }

  static Table::Row cells(std::string layer, std::string ops, const Vertex& v, const Totals& totals) {
    return {std::move(layer),
            std::move(ops),
            one_line(value_text(v)),
            totals.parameters > 0 ? grouped(totals.parameters) : "",
            totals.flops > 0 ? metric(totals.flops) : "",
            totals.saved_bytes > 0 ? bytes_text(totals.saved_bytes) : ""};
  }

  // The ops of a frame that have no row further in, each once.
  std::string ops_of(FrameIndex frame) const {
    std::set<std::string> seen;
    std::string text;
    for (const ItemIndex i : items_in(frame)) {
      const std::string& op = graph_[sketch_.items()[i].shown].op;
      if (!op.empty() && seen.insert(op).second) text += (text.empty() ? "" : ", ") + op;
      if (text.size() > kLongestCell) break;
    }
    return one_line(text);
  }

  const std::vector<ItemIndex>& items_in(FrameIndex frame) const {
    if (items_in_.empty()) {
      items_in_.resize(sketch_.frames().size());
      constexpr std::size_t kAll = 1'000;
      const auto depth = static_cast<std::uint32_t>(std::clamp<std::size_t>(options_.depth.value_or(kAll), 1, kAll));
      for (ItemIndex i = 0; i < sketch_.items().size(); ++i) {
        items_in_[sketch_.ancestor(sketch_.items()[i].frame, depth)].push_back(i);
      }
    }
    return items_in_[frame];
  }

  const ComputationGraph& graph_;
  const SummaryOptions& options_;
  DrawOptions draw_options_;
  DiagramStyle style_;
  Sketch sketch_;
  NodeWriter writer_;
  std::vector<Totals> totals_;                       // of each frame
  std::vector<std::optional<VertexIndex>> last_op_;  // of each frame
  std::vector<bool> computes_;                       // each frame itself, and not only what lies in it
  std::vector<std::vector<Child>> children_;         // of each frame: those that get rows
  mutable std::vector<std::vector<ItemIndex>> items_in_;
  Table table_{{"layer", "ops", "output", "parameters", "operations", "saved"}, options_.columns};
};

}  // namespace

std::string to_text(const ComputationGraph& graph, const SummaryOptions& options) {
  return Summary(graph, options).text();
}

}  // namespace tapegrad::graph
