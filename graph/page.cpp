#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/draw.hpp>
#include <tapegrad/graph/internal/escape.hpp>
#include <tapegrad/graph/internal/field_text.hpp>
#include <tapegrad/graph/internal/labels.hpp>
#include <tapegrad/graph/internal/page.hpp>
#include <tapegrad/graph/internal/page_assets.hpp>
#include <tapegrad/graph/internal/style.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

// What a browser lays out the tables of in a second or two.
constexpr Budget kPageBudget{.edges = 20'000, .nodes = 4'000};
constexpr std::size_t kMostCharacters = 200;
// Why a parameter has no gradient takes a walk through the graph each.
constexpr std::size_t kMostSearched = 20'000'000;

std::string one_line(std::string_view text) {
  std::string line = shorten(drawable(text), kMostCharacters);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

// "flops 12 saved 40": numbers by name, those that are zero left out.
class Numbers {
 public:
  void add(std::string_view name, double value) {
    if (value != 0) text_ += fmt::format("{}{} {:.6g}", text_.empty() ? "" : " ", name, value);
  }
  void add(std::string_view name, std::uint64_t count) { add(name, static_cast<double>(count)); }
  void add(std::string_view name, const std::optional<double>& value) {
    if (value) text_ += fmt::format("{}{} {:.6g}", text_.empty() ? "" : " ", name, *value);
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

class PageTables {
 public:
  PageTables(const Sketch& sketch, const std::map<VertexIndex, Mark>* marks)
      : sketch_(sketch), graph_(sketch.graph()), marks_(marks), first_bad_(first_bad_vertex(graph_)) {
    const std::size_t size = sketch.items().size();
    data_.resize(size), gradients_.resize(size), saved_.resize(size);
    loops_.resize(size);
    for (const SketchEdge& e : sketch.edges()) {
      if (e.steps > 0) {
        if (e.kind == EdgeKind::data) append(loops_[e.from], id(e.to));
      } else if (e.kind == EdgeKind::data) {
        append(data_[e.to], id(e.from));
      } else if (e.kind == EdgeKind::gradient) {
        append(gradients_[e.to], gradient_id(e.from));
      } else {
        append(saved_[e.from], gradient_id(e.to));
      }
    }
    std::size_t parameters = 0;
    for (const Vertex& v : graph_.vertices()) parameters += v.kind == VertexKind::parameter;
    explains_ = parameters * graph_.size() <= kMostSearched;
    sort_into_frames();
  }

  std::string rows() {
    text_.clear();
    add_frame(0, 0);
    return std::move(text_);
  }

  // Each op with its group and formula.
  std::string operations() const {
    std::map<std::string, const Vertex*> operations;
    for (const Item& item : sketch_.items()) {
      const Vertex& v = graph_[item.shown];
      if (item.kind == Item::Kind::vertex && v.kind == VertexKind::op) operations.try_emplace(one_line(v.op), &v);
    }
    std::string text;
    for (const auto& [name, v] : operations) {
      text += fmt::format("<tr><td>{}<td>{}<td>{}\n", xml_text(name), xml_text(one_line(v->family)),
                          xml_text(one_line(v->formula)));
    }
    return text;
  }

 private:
  static void append(std::string& list, const std::string& id) {
    if (!list.empty() && !id.empty()) list += ' ';
    list += id;
  }

  std::string id(ItemIndex i) const {
    const Item& item = sketch_.items()[i];
    return item.kind == Item::Kind::vertex ? graph_.id(item.shown) : fmt::format("s{}", item.members.front());
  }

  // Empty if it has none.
  std::string gradient_id(ItemIndex i) const {
    const Item& item = sketch_.items()[i];
    if (item.kind != Item::Kind::vertex) return fmt::format("t{}", item.members.front());
    if (const auto own = graph_.twin(item.shown)) return graph_.id(*own);
    for (const VertexIndex member : item.members) {
      if (const auto twin = graph_.twin(member)) return graph_.id(*twin);
    }
    return {};
  }

  // Items by frame, frames by parent, both in the order of execution.
  void sort_into_frames() {
    const auto& frames = sketch_.frames();
    items_.resize(frames.size()), inner_.resize(frames.size());
    std::vector<VertexIndex> first(frames.size(), ~VertexIndex{0});
    for (ItemIndex i = 0; i < sketch_.items().size(); ++i) {
      FrameIndex f = sketch_.items()[i].frame;
      items_[f].push_back(i);
      for (;; f = frames[f].parent) {
        first[f] = std::min(first[f], sketch_.place(i));
        if (f == 0) break;
      }
    }
    for (FrameIndex f = 1; f < frames.size(); ++f) {
      if (first[f] != ~VertexIndex{0}) inner_[frames[f].parent].push_back(f);
    }
    for (auto& list : inner_) {
      std::stable_sort(list.begin(), list.end(), [&](FrameIndex a, FrameIndex b) { return first[a] < first[b]; });
    }
    for (auto& list : items_) {
      std::stable_sort(list.begin(), list.end(),
                       [&](ItemIndex a, ItemIndex b) { return sketch_.place(a) < sketch_.place(b); });
    }
  }

  // Frames nest a dozen deep at most.
  void add_frame(FrameIndex frame, std::size_t parent) {
    const std::size_t number = frames_written_++;
    const Frame& f = sketch_.frames()[frame];
    if (frame == 0) {
      text_ += "<tbody>\n";
    } else {
      const std::string times = f.times > 1 ? fmt::format(" data-times={}", f.times) : "";
      text_ += fmt::format("<tbody data-frame={} data-in={}{} data-name=\"{}\"><tr><th colspan=13>{}{}\n", number,
                           parent, times, xml_text(one_line(f.name)), xml_text(one_line(sketch_.path(frame))),
                           f.times > 1 ? times_text(f.times) : "");
    }
    for (const ItemIndex i : items_[frame]) add_row(i);
    for (const FrameIndex inner : inner_[frame]) add_frame(inner, number);
  }

  void add_row(ItemIndex index) {
    const Item& item = sketch_.items()[index];
    const Vertex& v = graph_[item.shown];
    const bool is_vertex = item.kind == Item::Kind::vertex;
    const bool is_op = is_vertex && v.kind == VertexKind::op;
    const std::string kind = is_vertex                        ? std::string(to_string(v.kind))
                             : item.kind == Item::Kind::scope ? "scope"
                                                              : "rest";
    std::string ids = id(index);
    if (has_gradient(item)) append(ids, gradient_id(index));
    const std::string cells[] = {ids,
                                 is_op ? v.op : kind,
                                 is_vertex ? name(item) : item.title,
                                 item.kind == Item::Kind::rest ? "" : value_text(v),
                                 data_[index],
                                 gradients_[index],
                                 saved_[index],
                                 cost(item),
                                 is_vertex ? v.source : "",
                                 is_vertex ? attributes(item) : "",
                                 value_statistics(item),
                                 gradient_statistics(item),
                                 remarks(index)};
    std::size_t count = std::size(cells);
    while (cells[count - 1].empty()) --count;
    text_ += is_op ? "<tr>" : fmt::format("<tr class={}>", kind);
    for (std::size_t c = 0; c < count; ++c) {
      // Lists of ids and remarks are as long as they are.
      const bool whole = (c >= 4 && c <= 7) || c == 12;
      text_ += "<td>" + xml_text(whole ? drawable(cells[c]) : one_line(cells[c]));
    }
    text_ += '\n';
  }

  bool has_gradient(const Item& item) const {
    return std::any_of(item.members.begin(), item.members.end(), [&](VertexIndex m) { return graph_.twin(m); });
  }

  std::string name(const Item& item) const {
    return range_name(graph_[item.shown].name, graph_[item.members.back()].name);
  }

  std::string attributes(const Item& item) const {
    const std::vector<Attribute>& first = graph_[item.shown].attributes;
    const std::vector<Attribute>& last = graph_[item.members.back()].attributes;
    std::string text;
    for (std::size_t i = 0; i < first.size() && text.size() < kMostCharacters; ++i) {
      const bool in_last = i < last.size() && last[i].key == first[i].key;
      text += fmt::format("{}{}={}", text.empty() ? "" : ", ", first[i].key,
                          in_last ? range_name(first[i].value, last[i].value) : first[i].value);
    }
    return text;
  }

  std::vector<std::reference_wrapper<const Vertex>> members_of(const Item& item) const {
    std::vector<std::reference_wrapper<const Vertex>> members;
    for (const VertexIndex member : item.members) members.emplace_back(graph_[member]);
    return members;
  }

  std::string cost(const Item& item) const {
    Numbers numbers;
    double parameters = 0;
    for (const Vertex& v : members_of(item)) {
      if (v.kind == VertexKind::parameter) parameters += element_count(v);
    }
    numbers.add("parameters", parameters);
    for_each_cost(members_of(item), [&](const FieldInfo& info, double total) { numbers.add(info.name, total); });
    if (item.times > 1) numbers.add("times", std::uint64_t{item.times});
    return std::move(numbers).text();
  }

  static void add_statistics(Numbers& numbers, const Statistics& s) {
    for_each_field<Statistics>([&](const auto& field) { numbers.add(field.info.name, s.*field.member); });
  }

  // Of several: the largest norm, and all that is not finite.
  static void add_statistics(Numbers& numbers, const std::vector<const Vertex*>& measured) {
    if (measured.size() == 1 && measured[0]->statistics) return add_statistics(numbers, *measured[0]->statistics);
    Statistics s;
    bool any = false;
    for (const Vertex* v : measured) {
      if (!v->statistics) continue;
      any = true;
      s.nan += v->statistics->nan;
      s.inf += v->statistics->inf;
      if (v->statistics->norm) s.norm = std::max(s.norm.value_or(0), *v->statistics->norm);
    }
    if (any) add_statistics(numbers, s);
  }

  std::string value_statistics(const Item& item) const {
    std::vector<const Vertex*> values;
    for (const Vertex& v : members_of(item)) values.push_back(&v);
    Numbers numbers;
    add_statistics(numbers, values);
    return std::move(numbers).text();
  }

  std::string gradient_statistics(const Item& item) const {
    std::vector<const Vertex*> gradients;
    double seconds = 0;
    for (const VertexIndex member : item.members) {
      const auto twin = graph_.twin(member);
      if (!twin) continue;
      gradients.push_back(&graph_[*twin]);
      seconds += graph_[*twin].seconds.value_or(0);
    }
    Numbers numbers;
    add_statistics(numbers, gradients);
    numbers.add("seconds", seconds);
    return std::move(numbers).text();
  }

  // One a line; the script knows some of them by their beginning.
  std::string remarks(ItemIndex index) const {
    const Item& item = sketch_.items()[index];
    std::string text;
    const auto add = [&](std::string_view remark) {
      std::string line = shorten(drawable(remark), 2 * kMostCharacters);
      std::replace(line.begin(), line.end(), '\n', ' ');
      text += (text.empty() ? "" : "\n") + line;
    };
    std::set<VertexIndex> marked;
    for (const VertexIndex member : item.members) {
      const Vertex& v = graph_[member];
      if (const auto mark = marks_ ? marks_->find(member) : std::map<VertexIndex, Mark>::const_iterator();
          marks_ && mark != marks_->end()) {
        add(fmt::format("{} {}", mark->second.sign, fmt::join(mark->second.lines, "; ")));
      }
      if (v.failed) add("failed");
      if (first_bad_ == member) add("first bad value");
      if (first_bad_ && first_bad_ == graph_.twin(member)) add("first bad gradient");
    }
    if (!loops_[index].empty()) add("feeds in the next step: " + loops_[index]);
    const Vertex& v = graph_[item.shown];
    if (item.kind != Item::Kind::vertex) return text;
    if (v.is_view) add("view");
    if (v.changes > 0) add(fmt::format("changed in place × {}", v.changes));
    if (v.released) add("what it kept was freed by backward");
    if (v.stop != GradientStop::none) add(fmt::format("⊣ {}", to_string(v.stop)));
    if (v.kind == VertexKind::parameter && explains_ && graph_.size() > graph_.forward_size()) {
      const GradientReport report = explain_gradient(graph_, item.shown);
      if (report.finding != GradientReport::Finding::flows) add(report.text);
    }
    return text;
  }

  const Sketch& sketch_;
  const ComputationGraph& graph_;
  const std::map<VertexIndex, Mark>* marks_;
  std::optional<VertexIndex> first_bad_;
  bool explains_ = false;
  std::vector<std::string> data_, gradients_, saved_;  // ids, for each item
  std::vector<std::string> loops_;                     // whom it feeds in the next step of its block
  std::vector<std::vector<ItemIndex>> items_;          // of each frame
  std::vector<std::vector<FrameIndex>> inner_;
  std::size_t frames_written_ = 0;
  std::string text_;
};

// JSON between the tags of a script.
std::string script_data(const nlohmann::ordered_json& json) {
  std::string text = json.dump();
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at))
    text.replace(at, 1, "\\u003c");
  return text;
}

std::string paints() {
  nlohmann::ordered_json paints, outlines;
  for (const PaintStyle& style : kPaints) {
    paints[std::string(style.name)] = {
        {"meaning", style.meaning}, {"fill", style.fill}, {"stroke", style.stroke}, {"text", style.text}};
  }
  for (const auto& [name, outline] : {std::pair("box", Outline::box), std::pair("stadium", Outline::stadium),
                                      std::pair("cylinder", Outline::cylinder), std::pair("hexagon", Outline::hexagon),
                                      std::pair("note", Outline::note), std::pair("double_box", Outline::double_box)}) {
    outlines[name] = {style_of(outline).mermaid_open, style_of(outline).mermaid_close};
  }
  return script_data({{"paints", paints}, {"outlines", outlines}});
}

std::string start(const DrawOptions& options) {
  constexpr std::array kOverlays{"none", "gradient-norm", "values", "non-finite", "time", "saved-bytes"};
  constexpr std::array kPasses{"forward", "backward", "joint"};
  nlohmann::ordered_json start{{"direction", options.direction == Direction::down ? "TB" : "LR"},
                               {"pass", kPasses[static_cast<std::size_t>(options.pass)]},
                               {"overlay", kOverlays[static_cast<std::size_t>(options.overlay)]},
                               {"focus", valid_utf8(options.focus)}};
  if (options.depth) start["depth"] = *options.depth;
  return script_data(start);
}

// Puts the parts in the places of their {{markers}}.
std::string filled(std::string_view html, const std::map<std::string_view, std::string>& parts) {
  std::string text;
  for (std::size_t open = html.find("{{"); open != std::string_view::npos; open = html.find("{{")) {
    const std::size_t close = html.find("}}", open);
    text += html.substr(0, open);
    text += parts.at(html.substr(open + 2, close - open - 2));
    html.remove_prefix(close + 2);
  }
  return text += html;
}

std::string description_of(const ComputationGraph& graph) {
  double parameters = 0;
  for (const Vertex& v : graph.vertices()) {
    if (v.kind == VertexKind::parameter) parameters += element_count(v);
  }
  return fmt::format("{} values, {} gradients, {} parameters", grouped(static_cast<double>(graph.forward_size())),
                     grouped(static_cast<double>(graph.size() - graph.forward_size())), grouped(parameters));
}

}  // namespace

std::string page_text(const ComputationGraph& graph, const DrawOptions& options,
                      const std::map<VertexIndex, Mark>* marks, std::string description,
                      std::vector<std::string>* folded) {
  std::vector<std::string> notes;
  const DiagramStyle style{.marks = marks};
  const Sketch sketch = plan_page(graph, options, options.budget.value_or(kPageBudget), style, notes);
  PageTables tables(sketch, marks);
  std::string note_lines;
  for (const std::string& note : notes) note_lines += fmt::format("<p>{}</p>\n", xml_text(note));
  if (folded) *folded = std::move(notes);

  const std::string& title = options.title.empty() ? graph.title() : options.title;
  const std::string shown_title = title.empty() ? "Computation graph" : one_line(valid_utf8(title));
  const PageAssets& assets = kPageAssets;
  return filled(assets.html, {{"title", xml_text(shown_title)},
                              {"description", xml_text(description.empty() ? description_of(graph) : description)},
                              {"notes", note_lines},
                              {"rows", tables.rows()},
                              {"operations", tables.operations()},
                              {"paints", paints()},
                              {"start", start(options)},
                              {"style", std::string(assets.style)},
                              {"style hash", std::string(assets.style_hash)},
                              {"layout script", std::string(assets.layout_script)},
                              {"script", std::string(assets.script)},
                              {"script hashes", fmt::format("{} {}", assets.layout_script_hash, assets.script_hash)}});
}

std::string to_html(const ComputationGraph& graph, const DrawOptions& options, std::vector<std::string>* folded) {
  return page_text(graph, options, nullptr, {}, folded);
}

}  // namespace tapegrad::graph
