#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <map>
#include <tapegrad/graph/analysis.hpp>
#include <tapegrad/graph/diff.hpp>
#include <tapegrad/graph/internal/alignment.hpp>
#include <tapegrad/graph/internal/field_text.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <type_traits>
#include <unordered_map>

namespace tapegrad::graph {
namespace {

constexpr VertexIndex kNone = ~VertexIndex{0};

bool goes_by_name(const Vertex& v) { return !v.name.empty() && (is_leaf(v) || v.kind == VertexKind::output); }

// A value as a comparison writes it: with all its digits.
std::string exact_text(const std::string& text) { return text; }
std::string exact_text(const std::vector<std::int64_t>& shape) { return shape_text(shape); }
std::string exact_text(const std::vector<Attribute>& attributes) { return attributes_text(attributes); }
std::string exact_text(double cost) { return grouped(cost); }
template <std::unsigned_integral Count>
std::string exact_text(Count count) {
  if constexpr (std::same_as<Count, bool>) return count ? "yes" : "no";
  return std::to_string(count);
}
template <class Enum>
requires std::is_enum_v<Enum> std::string exact_text(Enum value) { return std::string(word_of(value)); }

class Matcher {
 public:
  Matcher(const ComputationGraph& before, const ComputationGraph& after) : before_(before), after_(after) {
    partner_before_.assign(before.forward_size(), kNone);
    partner_after_.assign(after.forward_size(), kNone);
  }

  void run() {
    match_names();
    match_scopes();
    match_structure();
  }

  /// The other graph's vertex, or kNone.
  const std::vector<VertexIndex>& partner_of_before() const { return partner_before_; }
  const std::vector<VertexIndex>& partner_of_after() const { return partner_after_; }

 private:
  using Groups = std::map<std::string, std::vector<VertexIndex>>;

  void join(VertexIndex b, VertexIndex a) {
    partner_before_[b] = a;
    partner_after_[a] = b;
  }

  template <class Key>
  static Groups unmatched(const ComputationGraph& graph, const std::vector<VertexIndex>& partners, Key key) {
    Groups groups;
    for (VertexIndex v = 0; v < graph.forward_size(); ++v) {
      if (partners[v] == kNone) groups[key(graph[v])].push_back(v);
    }
    return groups;
  }

  // A name that both graphs have, as often as it occurs.
  void match_names() {
    const auto key = [](const Vertex& v) {
      return goes_by_name(v) ? fmt::format("{} {}", to_string(v.kind), v.name) : "";
    };
    const Groups b = unmatched(before_, partner_before_, key), a = unmatched(after_, partner_after_, key);
    for (const auto& [name, vertices] : b) {
      const auto same = a.find(name);
      if (name.empty() || same == a.end()) continue;
      for (std::size_t i = 0; i < std::min(vertices.size(), same->second.size()); ++i)
        join(vertices[i], same->second[i]);
    }
  }

  // In each scope the sequences of what is left are laid side by side.
  void match_scopes() {
    const auto scope = [](const Vertex& v) { return v.scope; };
    const Groups b = unmatched(before_, partner_before_, scope), a = unmatched(after_, partner_after_, scope);
    std::unordered_map<std::string, std::uint32_t> words;
    const auto sentence = [&](const ComputationGraph& graph, const std::vector<VertexIndex>& vertices) {
      std::vector<std::uint32_t> numbers;
      for (const VertexIndex v : vertices) {
        const std::string word = fmt::format("{} {} {}", to_string(graph[v].kind), graph[v].op, graph[v].name);
        numbers.push_back(words.try_emplace(word, static_cast<std::uint32_t>(words.size())).first->second);
      }
      return numbers;
    };
    for (const auto& [name, vertices] : b) {
      const auto same = a.find(name);
      if (same == a.end()) continue;
      for (const auto& [x, y] : align(sentence(before_, vertices), sentence(after_, same->second))) {
        if (goes_by_name(before_[vertices[x]])) continue;
        join(vertices[x], same->second[y]);
      }
    }
  }

  // What was moved to another scope, or renamed, still computes the same of the same.
  void match_structure() {
    const std::vector<std::uint64_t> b = structure(before_), a = structure(after_);
    std::unordered_map<std::uint64_t, std::vector<VertexIndex>> left;  // in reverse order
    for (auto v = static_cast<VertexIndex>(before_.forward_size()); v-- > 0;) {
      if (partner_before_[v] == kNone) left[b[v]].push_back(v);
    }
    for (VertexIndex v = 0; v < after_.forward_size(); ++v) {
      if (partner_after_[v] != kNone) continue;
      const auto same = left.find(a[v]);
      if (same == left.end() || same->second.empty()) continue;
      join(same->second.back(), v);
      same->second.pop_back();
    }
  }

  static std::vector<std::uint64_t> structure(const ComputationGraph& graph) {
    std::vector<std::uint64_t> hashes(graph.forward_size());
    for (VertexIndex v = 0; v < hashes.size(); ++v) {
      std::string text = fmt::format("{} {} {} {} {}", to_string(graph[v].kind), graph[v].op,
                                     shape_text(graph[v].shape), graph[v].dtype, attributes_text(graph[v].attributes));
      for (const Edge& e : graph.in_edges(v)) text += fmt::format(" {}:{}", e.slot, hashes[e.from]);
      hashes[v] = std::hash<std::string>()(text);
    }
    return hashes;
  }

  const ComputationGraph &before_, &after_;
  std::vector<VertexIndex> partner_before_, partner_after_;
};

class Comparison {
 public:
  Comparison(const ComputationGraph& before, const ComputationGraph& after, const Matcher& matcher,
             const DiffOptions& options)
      : before_(before), after_(after), matcher_(matcher), options_(options) {}

  std::vector<FieldChange> compare(VertexIndex b, VertexIndex a) {
    fields_.clear();
    const Vertex &before = before_[b], &after = after_[a];
    for_each_field<Vertex>([&](const auto& field) {
      const FieldInfo& info = field.info;
      const auto &old = before.*field.member, &now = after.*field.member;
      if constexpr (std::same_as<std::remove_cvref_t<decltype(old)>, std::optional<double>>) {
        if (info.compare == Compare::roughly && (info.unit != Unit::seconds || options_.seconds))
          number(std::string(info.name), old, now);
      } else if constexpr (!std::same_as<std::remove_cvref_t<decltype(old)>, std::optional<Statistics>>) {
        if (info.compare == Compare::exactly && old != now)
          add(std::string(info.name), exact_text(old), exact_text(now));
      }
    });
    inputs(b, a);
    const bool had_gradient = before_.twin(b).has_value(), has_gradient = after_.twin(a).has_value();
    if (had_gradient != has_gradient) add("gradient", exact_text(had_gradient), exact_text(has_gradient));
    if (options_.statistics) {
      statistics("value", before.statistics, after.statistics);
      const auto gb = before_.twin(b), ga = after_.twin(a);
      if (gb && ga) statistics("gradient", before_[*gb].statistics, after_[*ga].statistics);
    }
    return std::move(fields_);
  }

 private:
  void add(std::string field, std::string before, std::string after) {
    fields_.push_back({std::move(field), std::move(before), std::move(after)});
  }

  void number(const std::string& field, std::optional<double> before, std::optional<double> after) {
    const auto shown = [](std::optional<double> value) { return value ? number_text(*value) : std::string("none"); };
    if (!before && !after) return;
    if (before && after) {
      if (*before == *after || (std::isnan(*before) && std::isnan(*after))) return;
      const double difference = std::abs(*before - *after), size = std::max(std::abs(*before), std::abs(*after));
      if (difference <= options_.tolerance * size && std::isfinite(size)) return;
    }
    add(field, shown(before), shown(after));
  }

  void statistics(const std::string& of, const std::optional<Statistics>& before,
                  const std::optional<Statistics>& after) {
    if (!before || !after) return;
    for_each_field<Statistics>([&](const auto& field) {
      number(fmt::format("{} {}", of, field.info.name), (*before).*field.member, (*after).*field.member);
    });
  }

  // Another wiring, even if both ends of every edge are old. All edges that end at a forward vertex carry data.
  void inputs(VertexIndex b, VertexIndex a) {
    const auto same = [&](const Edge& eb, const Edge& ea) {
      return eb.slot == ea.slot && matcher_.partner_of_before()[eb.from] == ea.from;
    };
    const auto before = before_.in_edges(b), after = after_.in_edges(a);
    if (std::equal(before.begin(), before.end(), after.begin(), after.end(), same)) return;
    const auto names = [](const ComputationGraph& graph, std::span<const Edge> edges) {
      std::string text;
      for (const Edge& e : edges) text += (text.empty() ? "" : ", ") + graph.id(e.from);
      return text;
    };
    add("inputs", names(before_, before), names(after_, after));
  }

  const ComputationGraph &before_, &after_;
  const Matcher& matcher_;
  const DiffOptions& options_;
  std::vector<FieldChange> fields_;
};

}  // namespace

GraphDiff diff(const ComputationGraph& before, const ComputationGraph& after, const DiffOptions& options) {
  Matcher matcher(before, after);
  matcher.run();
  Comparison comparison(before, after, matcher, options);
  GraphDiff result;
  for (VertexIndex v = 0; v < before.forward_size(); ++v) {
    if (matcher.partner_of_before()[v] == kNone) result.removed.push_back(v);
  }
  for (VertexIndex v = 0; v < after.forward_size(); ++v) {
    const VertexIndex old = matcher.partner_of_after()[v];
    if (old == kNone) {
      result.added.push_back(v);
      continue;
    }
    result.matched.emplace_back(old, v);
    if (auto fields = comparison.compare(old, v); fields.empty()) {
      ++result.unchanged;
    } else {
      result.changed.push_back({old, v, std::move(fields)});
    }
  }
  return result;
}

std::string to_text(const GraphDiff& diff, const ComputationGraph& before, const ComputationGraph& after) {
  std::string text;
  const auto add = [&](const std::string& line) {
    std::string shown = drawable(line);
    std::replace(shown.begin(), shown.end(), '\n', ' ');
    text += shown + "\n";
  };
  for (const VertexIndex v : diff.removed)
    add(fmt::format("- {} {}", describe(before, v), shape_text(before[v].shape)));
  for (const VertexIndex v : diff.added) add(fmt::format("+ {} {}", describe(after, v), shape_text(after[v].shape)));
  for (const VertexChange& change : diff.changed) {
    std::string fields;
    for (const FieldChange& f : change.fields) {
      fields += fmt::format("{}{}: {} → {}", fields.empty() ? "" : "; ", f.field, shorten(f.before, 80),
                            shorten(f.after, 80));
    }
    add(fmt::format("~ {}: {}", describe(after, change.after), fields));
  }
  add(fmt::format("{} added, {} removed, {} changed, {} unchanged", diff.added.size(), diff.removed.size(),
                  diff.changed.size(), diff.unchanged));
  return text;
}

}  // namespace tapegrad::graph
