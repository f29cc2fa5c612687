#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/json_text.hpp>
#include <tapegrad/graph/internal/graph_builder.hpp>
#include <tapegrad/graph/internal/text.hpp>
#include <tapegrad/graph/save.hpp>
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

// One JSON object, with messages that say which object it is.
class Object {
 public:
  Object(const Json& object, std::string_view origin, std::string place)
      : object_(object), origin_(origin), place_(std::move(place)) {
    if (!object.is_object()) throw IoError(fmt::format("{}: {} should be an object", origin_, place_));
  }

  [[noreturn]] void fail(std::string_view key, std::string_view expected) const {
    const auto found = object_.find(key);
    if (found == object_.end()) {
      throw IoError(fmt::format("{}: {} has no \"{}\", which should be {}", origin_, place_, key, expected));
    }
    std::string value = found->dump(-1, ' ', true, Json::error_handler_t::replace);
    throw IoError(fmt::format("{}: {}.{} is {}; it should be {}", origin_, place_, key, shorten(value, 60), expected));
  }

  const Json* find(std::string_view key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }

  void read(std::string_view key, std::string& text) const {
    if (const Json* value = find(key)) {
      if (!value->is_string()) fail(key, "a string");
      text = value->get_ref<const std::string&>();
    }
  }
  void read(std::string_view key, bool& flag) const {
    if (const Json* value = find(key)) {
      if (!value->is_boolean()) fail(key, "true or false");
      flag = value->get<bool>();
    }
  }
  template <class Count>
  requires std::unsigned_integral<Count> &&
      (!std::same_as<Count, bool>)void read(std::string_view key, Count& count) const {
    if (const Json* value = find(key)) {
      if (!value->is_number_unsigned() || value->get<std::uint64_t>() > std::numeric_limits<Count>::max()) {
        fail(key, fmt::format("a whole number from 0 to {}", std::numeric_limits<Count>::max()));
      }
      count = value->get<Count>();
    }
  }
  void read(std::string_view key, double& cost) const {
    if (const Json* value = find(key)) {
      if (!value->is_number() || value->get<double>() < 0) fail(key, "a number, 0 or more");
      cost = value->get<double>();
    }
  }
  void read(std::string_view key, std::optional<double>& measured) const {
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
  template <class Enum>
  requires std::is_enum_v<Enum>
  void read(std::string_view key, Enum& choice) const {
    const Json* value = find(key);
    if (!value) return;
    const auto& words = kWords<Enum>;
    const auto found = std::find_if(words.begin(), words.end(), [&](std::string_view word) { return *value == word; });
    if (found == words.end()) fail(key, fmt::format("one of {}", fmt::join(words, ", ")));
    choice = static_cast<Enum>(found - words.begin());
  }
  void read(std::string_view key, std::vector<std::int64_t>& shape) const {
    const Json* value = find(key);
    if (!value) return;
    const auto is_extent = [](const Json& extent) {
      return extent.is_number_unsigned() && extent.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max();
    };
    if (!value->is_array() || value->size() > kMaxRank || !std::all_of(value->begin(), value->end(), is_extent)) {
      fail(key, fmt::format("an array of at most {} sizes, each 0 or more", kMaxRank));
    }
    shape = value->get<std::vector<std::int64_t>>();
  }
  void read(std::string_view key, std::vector<Attribute>& attributes) const {
    const Json* value = find(key);
    if (!value) return;
    const auto is_pair = [](const Json& a) {
      return a.is_array() && a.size() == 2 && a[0].is_string() && a[1].is_string();
    };
    if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_pair)) {
      fail(key, "an array of [key, value] pairs of strings");
    }
    for (const Json& a : *value) attributes.push_back({a[0].get<std::string>(), a[1].get<std::string>()});
  }
  void read(std::string_view key, std::optional<Statistics>& statistics) const {
    if (const Json* value = find(key))
      Object(*value, origin_, fmt::format("{}.{}", place_, key)).read_fields(statistics.emplace());
  }

  /// All that Owner::fields() lists.
  template <class Owner>
  void read_fields(Owner& owner) const {
    for_each_field<Owner>([&](const auto& field) { read(field.info.name, owner.*field.member); });
  }

  std::string required(std::string_view key) const {
    std::string text;
    read(key, text);
    if (text.empty()) fail(key, "a non-empty string");
    return text;
  }

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
    const Object fields(root, origin_, "the snapshot");
    if (!format_seen_) fields.fail("format", R"("tapegrad-graph")");
    if (!version_seen_) fields.fail("version", "a whole number");
    for (const char* list : {"vertices", "edges"}) {
      if (!root.contains(list) || !root[list].is_array()) fields.fail(list, "an array");
    }
    GraphBuilder builder(title_);
    add_vertices(builder);
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      const PendingEdge& e = edges_[i];
      at(fmt::format("edges[{}]", i),
         [&] { builder.connect(handle(e.from), handle(e.to), e.edge.slot, e.edge.kind, e.edge.partial); });
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
    Edge edge;  // without its ends
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
    const Object fields(object, origin_, fmt::format("vertices[{}]", vertex_count_++));
    PendingVertex pending{fields.required("id"), "", {}};
    fields.read("of", pending.of);
    fields.read_fields(pending.vertex);
    if (pending.vertex.kind == VertexKind::gradient && pending.of.empty()) {
      fields.fail("of", "the id of the value whose gradient it is");
    }
    if (task_ == Task::build) vertices_.push_back(std::move(pending));
  }

  void read_edge(const Json& object) {
    if (edge_count_ == kMaxEdges) throw IoError(fmt::format("{}: more than {} edges", origin_, kMaxEdges));
    const Object fields(object, origin_, fmt::format("edges[{}]", edge_count_++));
    PendingEdge e{fields.required("from"), fields.required("to"), {}};
    fields.read_fields(e.edge);
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
