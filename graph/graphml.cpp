#include <fmt/format.h>

#include <array>
#include <limits>
#include <tapegrad/graph/export.hpp>
#include <tapegrad/graph/internal/escape.hpp>
#include <tapegrad/graph/internal/text.hpp>

namespace tapegrad::graph {
namespace {

struct Key {
  const char *id, *element, *type;
};

constexpr std::array<Key, 23> kKeys{{
    {"kind", "node", "string"},        {"op", "node", "string"},         {"family", "node", "string"},
    {"name", "node", "string"},        {"scope", "node", "string"},      {"shape", "node", "string"},
    {"dtype", "node", "string"},       {"attributes", "node", "string"}, {"formula", "node", "string"},
    {"source", "node", "string"},      {"flops", "node", "double"},      {"bytes", "node", "double"},
    {"saved_bytes", "node", "double"}, {"seconds", "node", "double"},    {"requires_grad", "node", "boolean"},
    {"failed", "node", "boolean"},     {"twin", "node", "string"},       {"norm", "node", "double"},
    {"nan", "node", "long"},           {"inf", "node", "long"},          {"zero", "node", "long"},
    {"slot", "edge", "int"},           {"flow", "edge", "string"},
}};

class GraphMlWriter {
 public:
  explicit GraphMlWriter(const ComputationGraph& graph) : graph_(graph) {}

  std::string write() {
    put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\" "
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
        "xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns "
        "http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\">\n");
    for (const Key& k : kKeys) {
      put("<key id=\"{}\" for=\"{}\" attr.name=\"{}\" attr.type=\"{}\"/>\n", k.id, k.element, k.id, k.type);
    }
    put("<graph id=\"{}\" edgedefault=\"directed\">\n",
        graph_.title().empty() ? "tapegrad" : xml_text(drawable(graph_.title())));
    for (VertexIndex v = 0; v < graph_.size(); ++v) write_vertex(v);
    for (const Edge& e : graph_.edges()) {
      put("<edge source=\"{}\" target=\"{}\">", graph_.id(e.from), graph_.id(e.to));
      data("slot", std::to_string(e.slot));
      data("flow", std::string(to_string(e.kind)));
      put("</edge>\n");
    }
    put("</graph>\n</graphml>\n");
    return std::move(text_);
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }

  void data(const char* key, const std::string& value) {
    if (!value.empty()) put("<data key=\"{}\">{}</data>", key, xml_text(drawable(value)));
  }
  void data(const char* key, double value) {
    if (value != 0) put("<data key=\"{}\">{}</data>", key, value);
  }
  void data(const char* key, std::uint64_t value) {
    if (value != 0) put("<data key=\"{}\">{}</data>", key, value);
  }
  void data(const char* key, bool value) {
    if (value) put("<data key=\"{}\">1</data>", key);  // Boost does not read "true"
  }

  void write_vertex(VertexIndex index) {
    const Vertex& v = graph_[index];
    put("<node id=\"{}\">", graph_.id(index));
    data("kind", std::string(to_string(v.kind)));
    data("op", v.op);
    data("family", v.family);
    data("name", v.name);
    data("scope", v.scope);
    data("shape", shape_text(v.shape));
    data("dtype", v.dtype);
    std::string attributes;
    for (const Attribute& a : v.attributes) attributes += (attributes.empty() ? "" : ", ") + a.key + "=" + a.value;
    data("attributes", attributes);
    data("formula", v.formula);
    data("source", v.source);
    data("flops", v.flops);
    data("bytes", v.bytes);
    data("saved_bytes", v.saved_bytes);
    data("seconds", v.seconds.value_or(0));
    data("requires_grad", v.requires_grad);
    data("failed", v.failed);
    if (const auto twin = graph_.twin(index)) data("twin", graph_.id(*twin));
    if (v.statistics) {
      // XML Schema spells the values that are not finite in its own way.
      const double norm = v.statistics->norm.value_or(0);
      if (norm != norm) {
        data("norm", std::string("NaN"));
      } else if (norm > std::numeric_limits<double>::max()) {
        data("norm", std::string("INF"));
      } else {
        data("norm", norm);
      }
      data("nan", v.statistics->nan);
      data("inf", v.statistics->inf);
      data("zero", v.statistics->zero);
    }
    put("</node>\n");
  }

  const ComputationGraph& graph_;
  std::string text_;
};

}  // namespace

std::string to_graphml(const ComputationGraph& graph) { return GraphMlWriter(graph).write(); }

}  // namespace tapegrad::graph
