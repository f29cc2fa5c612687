#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/json_text.hpp>
#include <tapegrad/graph/graph_builder.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <tapegrad/graph/snapshot.hpp>
#include <type_traits>
#include <unordered_map>

namespace tapegrad::graph {
namespace {

using Json = nlohmann::json;
using Event = nlohmann::detail::parse_event_t;

// Far above any real graph, and low enough that a hostile file runs into them before it runs out of memory.
constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxVertices = 10'000'000;
constexpr std::size_t kMaxEdges = 50'000'000;
constexpr std::size_t kMaxRank = 64;

template <class Enum, std::size_t N>
using Names = std::array<std::pair<const char*, Enum>, N>;

constexpr Names<VertexKind, 5> kVertexKinds{{{"op", VertexKind::op},
                                             {"input", VertexKind::input},
                                             {"parameter", VertexKind::parameter},
                                             {"constant", VertexKind::constant},
                                             {"output", VertexKind::output}}};
constexpr Names<EdgeKind, 3> kEdgeKinds{
    {{"data", EdgeKind::data}, {"gradient", EdgeKind::gradient}, {"saved", EdgeKind::saved}}};
constexpr Names<GradientStop, 4> kStops{{{"none", GradientStop::none},
                                         {"detached", GradientStop::detached},
                                         {"no_grad", GradientStop::no_grad},
                                         {"not_differentiable", GradientStop::not_differentiable}}};

// The fields of one JSON object, with messages that say which object it is.
class Fields {
 public:
  Fields(const Json& object, std::string_view origin, std::string place)
      : object_(object), origin_(origin), place_(std::move(place)) {
    if (!object.is_object()) throw IoError(fmt::format("{}: {} should be an object", origin_, place_));
  }

  [[noreturn]] void fail(const char* key, std::string_view expected) const {
    const auto found = object_.find(key);
    if (found == object_.end()) {
      throw IoError(fmt::format("{}: {} has no \"{}\", which should be {}", origin_, place_, key, expected));
    }
    std::string value = found->dump(-1, ' ', true, Json::error_handler_t::replace);
    throw IoError(fmt::format("{}: {}.{} is {}; it should be {}", origin_, place_, key, shorten(value, 60), expected));
  }

  const Json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }

  void read(const char* key, std::string& text) const {
    if (const Json* value = find(key)) {
      if (!value->is_string()) fail(key, "a string");
      text = value->get_ref<const std::string&>();
    }
  }
  void read(const char* key, bool& flag) const {
    if (const Json* value = find(key)) {
      if (!value->is_boolean()) fail(key, "true or false");
      flag = value->get<bool>();
    }
  }
  template <class Count>
  requires std::is_unsigned_v<Count>
  void read(const char* key, Count& count) const {
    if (const Json* value = find(key)) {
      if (!value->is_number_unsigned() || value->get<std::uint64_t>() > std::numeric_limits<Count>::max()) {
        fail(key, fmt::format("a whole number from 0 to {}", std::numeric_limits<Count>::max()));
      }
      count = value->get<Count>();
    }
  }
  void read(const char* key, double& cost) const {
    if (const Json* value = find(key)) {
      if (!value->is_number() || value->get<double>() < 0) fail(key, "a number, 0 or more");
      cost = value->get<double>();
    }
  }
  void read(const char* key, std::optional<double>& measured) const {
    const Json* value = find(key);
    if (!value) return;
    if (value->is_number()) {
      measured = value->get<double>();
    } else if (*value == "nan") {
      measured = std::numeric_limits<double>::quiet_NaN();
    } else if (*value == "inf" || *value == "-inf") {
      measured = *value == "inf" ? HUGE_VAL : -HUGE_VAL;
    } else {
      fail(key, R"(a number, "nan", "inf" or "-inf")");
    }
  }
  template <class Enum, std::size_t N>
  void read(const char* key, Enum& choice, const Names<Enum, N>& names) const {
    const Json* value = find(key);
    if (!value) return;
    const auto found = std::find_if(names.begin(), names.end(), [&](const auto& n) { return *value == n.first; });
    if (found == names.end()) {
      std::string all;
      for (const auto& [name, unused] : names) all += (all.empty() ? "one of " : ", ") + std::string(name);
      fail(key, all);
    }
    choice = found->second;
  }

  std::string required(const char* key) const {
    std::string text;
    read(key, text);
    if (text.empty()) fail(key, "a non-empty string");
    return text;
  }

  const std::string& place() const { return place_; }

 private:
  const Json& object_;
  std::string_view origin_;
  std::string place_;
};

// Called by the parser at each step. Vertices and edges are taken over as soon as they are complete, and dropped from
// the JSON tree, which therefore stays small.
class SnapshotReader {
 public:
  enum class Task { check, build };
  SnapshotReader(std::string_view origin, Task task) : origin_(origin), task_(task), keys_(std::string(origin)) {}

  bool operator()(int depth, Event event, Json& parsed) {
    keys_.see(event, parsed);
    if (event == Event::key && depth == 1) {
      section_ = parsed.get<std::string>();
    } else if (event == Event::value && depth == 1) {
      check_header(parsed);
    } else if ((event == Event::object_end || event == Event::array_end || event == Event::value) && depth == 2) {
      if (section_ == "vertices" || section_ == "edges") {
        section_ == "vertices" ? read_vertex(parsed) : read_edge(parsed);
        return false;
      }
    }
    return true;
  }

  ComputationGraph graph(const Json& root) {
    const Fields fields(root, origin_, "the snapshot");
    if (!format_seen_) fields.fail("format", R"("tapegrad-graph")");
    if (!version_seen_) fields.fail("version", "a whole number");
    for (const char* list : {"vertices", "edges"}) {
      if (!root.contains(list) || !root[list].is_array()) fields.fail(list, "an array");
    }
    GraphBuilder builder(title_);
    add_vertices(builder);
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      const PendingEdge& e = edges_[i];
      at(fmt::format("edges[{}]", i), [&] { builder.connect(handle(e.from), handle(e.to), e.slot, e.kind); });
    }
    std::optional<ComputationGraph> built;
    at("the graph", [&] { built = std::move(builder).build(); });
    return *std::move(built);
  }

 private:
  struct PendingVertex {
    std::string id, of;
    Vertex vertex;
  };
  struct PendingEdge {
    std::string from, to;
    std::uint32_t slot = 0;
    EdgeKind kind = EdgeKind::data;
  };

  void check_header(const Json& value) {
    if (section_ == "format") {
      if (value != "tapegrad-graph") throw IoError(fmt::format("{}: not a tapegrad graph snapshot", origin_));
      format_seen_ = true;
    } else if (section_ == "version") {
      if (!value.is_number_unsigned() || value == 0) {
        throw IoError(fmt::format("{}: the snapshot's version should be a whole number from 1", origin_));
      }
      if (value > kSnapshotVersion) {
        throw IoError(
            fmt::format("{}: snapshot of version {}; this program reads versions up to {}: use a later tapegrad",
                        origin_, value.dump(), kSnapshotVersion));
      }
      version_seen_ = true;
    } else if (section_ == "title") {
      if (!value.is_string()) throw IoError(fmt::format("{}: the snapshot's title should be a string", origin_));
      title_ = value.get<std::string>();
    }
  }

  void read_vertex(const Json& object) {
    if (vertex_count_ == kMaxVertices) {
      throw IoError(fmt::format("{}: more than {} vertices", origin_, kMaxVertices));
    }
    const Fields fields(object, origin_, fmt::format("vertices[{}]", vertex_count_++));
    PendingVertex pending{fields.required("id"), "", {}};
    Vertex& v = pending.vertex;
    fields.read("of", pending.of);
    fields.read("kind", v.kind, kVertexKinds);
    fields.read("op", v.op);
    fields.read("family", v.family);
    fields.read("name", v.name);
    fields.read("scope", v.scope);
    fields.read("dtype", v.dtype);
    fields.read("formula", v.formula);
    fields.read("source", v.source);
    fields.read("flops", v.flops);
    fields.read("bytes", v.bytes);
    fields.read("saved_bytes", v.saved_bytes);
    fields.read("requires_grad", v.requires_grad);
    fields.read("is_view", v.is_view);
    fields.read("failed", v.failed);
    fields.read("stop", v.stop, kStops);
    fields.read("seconds", v.seconds);
    read_shape(fields, v);
    read_attributes(fields, v);
    if (const Json* statistics = fields.find("statistics")) {
      const Fields measured(*statistics, origin_, fields.place() + ".statistics");
      Statistics& s = v.statistics.emplace();
      measured.read("min", s.min);
      measured.read("max", s.max);
      measured.read("mean", s.mean);
      measured.read("norm", s.norm);
      measured.read("nan", s.nan);
      measured.read("inf", s.inf);
      measured.read("zero", s.zero);
    }
    if (task_ == Task::build) vertices_.push_back(std::move(pending));
  }

  static void read_shape(const Fields& fields, Vertex& v) {
    const Json* shape = fields.find("shape");
    if (!shape) return;
    const auto is_extent = [](const Json& extent) {
      return extent.is_number_unsigned() && extent.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max();
    };
    if (!shape->is_array() || shape->size() > kMaxRank || !std::all_of(shape->begin(), shape->end(), is_extent)) {
      fields.fail("shape", fmt::format("an array of at most {} sizes, each 0 or more", kMaxRank));
    }
    v.shape = shape->get<std::vector<std::int64_t>>();
  }

  static void read_attributes(const Fields& fields, Vertex& v) {
    const Json* attributes = fields.find("attributes");
    if (!attributes) return;
    const auto is_pair = [](const Json& a) {
      return a.is_array() && a.size() == 2 && a[0].is_string() && a[1].is_string();
    };
    if (!attributes->is_array() || !std::all_of(attributes->begin(), attributes->end(), is_pair)) {
      fields.fail("attributes", "an array of [key, value] pairs of strings");
    }
    for (const Json& a : *attributes) v.attributes.push_back({a[0].get<std::string>(), a[1].get<std::string>()});
  }

  void read_edge(const Json& object) {
    if (edge_count_ == kMaxEdges) throw IoError(fmt::format("{}: more than {} edges", origin_, kMaxEdges));
    const Fields fields(object, origin_, fmt::format("edges[{}]", edge_count_++));
    PendingEdge e{fields.required("from"), fields.required("to")};
    fields.read("slot", e.slot);
    fields.read("kind", e.kind, kEdgeKinds);
    if (task_ == Task::build) edges_.push_back(std::move(e));
  }

  void add_vertices(GraphBuilder& builder) {
    handles_.reserve(vertices_.size());
    for (const bool gradients : {false, true}) {
      for (std::size_t i = 0; i < vertices_.size(); ++i) {
        PendingVertex& pending = vertices_[i];
        if (pending.of.empty() == gradients) continue;
        at(fmt::format("vertices[{}]", i), [&] {
          if (handles_.contains(pending.id)) {
            throw GraphError(fmt::format("the id \"{}\" occurs twice", shorten(pending.id, 60)));
          }
          handles_[pending.id] = gradients ? builder.add_gradient(handle(pending.of), pending.vertex)
                                           : builder.add(std::move(pending.vertex));
        });
      }
    }
  }

  GraphBuilder::Handle handle(const std::string& id) const {
    const auto found = handles_.find(id);
    if (found == handles_.end()) throw GraphError(fmt::format("there is no vertex \"{}\"", shorten(id, 60)));
    return found->second;
  }

  // Gives what the builder objects to its place in the file.
  template <class Action>
  void at(const std::string& place, Action action) const {
    try {
      action();
    } catch (const Error& e) {
      throw IoError(fmt::format("{}: {}: {}", origin_, place, e.what()));
    }
  }

  std::string_view origin_;
  Task task_;
  UniqueKeys keys_;
  std::size_t vertex_count_ = 0, edge_count_ = 0;
  std::string section_, title_;
  bool format_seen_ = false, version_seen_ = false;
  std::vector<PendingVertex> vertices_;
  std::vector<PendingEdge> edges_;
  std::unordered_map<std::string, GraphBuilder::Handle> handles_;
};

}  // namespace

ComputationGraph from_json(std::string_view text, std::string_view origin) {
  using Task = SnapshotReader::Task;
  constexpr std::size_t kLarge = 1 << 20;  // a vertex takes some fifty times its shortest text
  const std::string file(origin);
  constexpr JsonBounds kBounds{.depth = kMaxDepth, .values = std::numeric_limits<std::size_t>::max()};
  check_json_bounds(text, file, kBounds);
  try {
    if (text.size() > kLarge) {
      SnapshotReader checked(origin, Task::check);
      [[maybe_unused]] const Json nothing = Json::parse(text.begin(), text.end(), std::ref(checked));
    }
    SnapshotReader reader(origin, Task::build);
    const Json root = Json::parse(text.begin(), text.end(), std::ref(reader));
    return reader.graph(root);
  } catch (const Json::exception& error) {
    throw_json_error(error, text, file);
  }
}

}  // namespace tapegrad::graph
