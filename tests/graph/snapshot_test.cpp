#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/save.hpp>

#include "sample_graphs.hpp"

namespace tapegrad::graph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

ComputationGraph with_everything() {
  GraphBuilder builder("a \"title\"\n");
  Vertex x;
  x.kind = VertexKind::input;
  x.name = "输入 <float> \\ \x01 \xF0\x9F\x98\x80";
  x.shape = {2, 0};
  x.dtype = "f32";
  x.stop = GradientStop::detached;
  Vertex y;
  y.op = "softmax";
  y.family = "reduction";
  y.scope = "encoder.0";
  y.attributes = {{"axis", "-1"}, {"a", ""}};
  y.formula = "y = exp(x) / sum(exp(x))";
  y.shape = {2, 0};
  y.dtype = "f32";
  y.source = "model.cpp:41";
  y.flops = 1e30;
  y.bytes = 12;
  y.saved_bytes = 0.5;
  y.requires_grad = y.is_view = y.failed = true;
  y.statistics = Statistics{.min = -std::numeric_limits<double>::infinity(),
                            .max = 0.1,
                            .mean = std::nullopt,
                            .norm = std::numeric_limits<double>::infinity(),
                            .nan = std::numeric_limits<std::uint64_t>::max(),
                            .inf = 1,
                            .zero = 2};
  y.seconds = 1.25e-6;
  const auto from = builder.add(x), to = builder.add(y);
  builder.connect(from, to, 3);
  Vertex measured;
  measured.flops = 7;
  measured.statistics = Statistics{};
  const auto gradient = builder.add_gradient(to, measured);
  builder.connect(to, gradient, 0, EdgeKind::saved);
  return std::move(builder).build();
}

TEST(Snapshot, ReadsWhatItWrote) {
  for (const ComputationGraph& graph :
       {with_everything(), samples::mlp(), samples::transformer(2), ComputationGraph()}) {
    const std::string text = to_json(graph);
    const ComputationGraph read = from_json(text);
    EXPECT_EQ(read, graph);
    EXPECT_EQ(to_json(read), text);
  }
}

TEST(Snapshot, HasAReadableForm) {
  GraphBuilder builder;
  Vertex x;
  x.kind = VertexKind::parameter;
  x.name = "w";
  x.shape = {3};
  x.dtype = "f32";
  x.requires_grad = true;
  Vertex y;
  y.op = "exp";
  y.shape = {3};
  y.requires_grad = true;
  const auto from = builder.add(x), to = builder.add(y);
  builder.connect(from, to, 0);
  builder.mirror_gradients();
  EXPECT_EQ(to_json(std::move(builder).build()), R"({
"format": "tapegrad-graph",
"version": 1,
"title": "",
"vertices": [
{"id":"n0","kind":"parameter","name":"w","shape":[3],"dtype":"f32","requires_grad":true},
{"id":"n1","op":"exp","shape":[3],"requires_grad":true},
{"id":"g1","of":"n1"},
{"id":"g0","of":"n0"}
],
"edges": [
{"from":"n0","to":"n1","slot":0},
{"from":"g1","to":"g0","slot":0,"kind":"gradient"}
]
}
)");
}

// All fields as the first release wrote them.
TEST(Snapshot, ReadsWhatTheFirstReleaseWrote) {
  const ComputationGraph graph = from_json(R"({
"format": "tapegrad-graph",
"version": 1,
"title": "mlp",
"vertices": [
{"id":"n0","kind":"parameter","name":"w","scope":"hidden","shape":[784,512],"dtype":"f32","source":"m.cpp:4","requires_grad":true},
{"id":"n1","op":"softmax","family":"reduction","shape":[784,512],"dtype":"f32","attributes":[["axis","-1"]],"formula":"y = x","flops":7.0,"bytes":8.0,"saved_bytes":16.0,"requires_grad":true,"is_view":true,"failed":true,"stop":"no_grad","statistics":{"min":-1.0,"max":"inf","mean":"nan","norm":2.0,"nan":3,"inf":4,"zero":5},"seconds":0.5},
{"id":"g1","of":"n1","statistics":{"norm":0.25}},
{"id":"g0","of":"n0"}
],
"edges": [
{"from":"n0","to":"n1","slot":0},
{"from":"n0","to":"g1","slot":0,"kind":"saved"},
{"from":"g1","to":"g0","slot":0,"kind":"gradient"}
]
})");
  ASSERT_EQ(graph.size(), 4U);
  EXPECT_EQ(graph[0].kind, VertexKind::parameter);
  EXPECT_EQ(graph[0].source, "m.cpp:4");
  const Vertex& v = graph[1];
  EXPECT_EQ(v.attributes, (std::vector<Attribute>{{"axis", "-1"}}));
  EXPECT_EQ(v.saved_bytes, 16);
  EXPECT_TRUE(v.is_view && v.failed && v.requires_grad);
  EXPECT_EQ(v.stop, GradientStop::no_grad);
  EXPECT_EQ(v.statistics->zero, 5U);
  EXPECT_EQ(v.statistics->max, HUGE_VAL);
  EXPECT_EQ(v.seconds, 0.5);
  EXPECT_EQ(graph[2].op, "softmax");
  EXPECT_EQ(graph.edges().size(), 3U);
}

TEST(Snapshot, KeepsNaN) {
  GraphBuilder builder;
  Vertex x;
  x.op = "log";
  x.statistics = Statistics{.mean = std::numeric_limits<double>::quiet_NaN(), .nan = 3};
  builder.add(x);
  const ComputationGraph read = from_json(to_json(std::move(builder).build()));
  EXPECT_TRUE(std::isnan(read[0].statistics->mean.value()));
  EXPECT_EQ(read[0].statistics->nan, 3U);
}

TEST(Snapshot, TakesAnyOrderOfSectionsVerticesAndIds) {
  const ComputationGraph graph = from_json(R"({"edges": [{"from": "a", "to": "b"}], "later": {"x": [1, {}]},
    "vertices": [{"id": "twin", "of": "b"}, {"id": "b", "op": "exp", "unknown": 1}, {"id": "a", "kind": "input"}],
    "version": 1, "format": "tapegrad-graph"})");
  ASSERT_EQ(graph.size(), 3U);
  EXPECT_EQ(graph[0].kind, VertexKind::input);
  EXPECT_EQ(graph.id(2), "g1");
}

std::string snapshot_of(const std::string& vertices, const std::string& edges = "") {
  return R"({"format": "tapegrad-graph", "version": 1, "vertices": [)" + vertices + R"(], "edges": [)" + edges + "]}";
}

TEST(Snapshot, NamesWhatIsWrongAndWhere) {
  const std::string a = R"({"id": "a", "kind": "input"})", b = R"({"id": "b", "op": "exp"})";
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"", {"m.json:1:1: not valid JSON"}},
      {"{\n \"format\": tapegrad", {"m.json:2:", "not valid JSON"}},
      {"[]", {"the snapshot should be an object"}},
      {"{}", {"has no \"format\""}},
      {R"({"format": "onnx"})", {"not a tapegrad graph snapshot"}},
      {R"({"format": "tapegrad-graph"})", {"has no \"version\""}},
      {R"({"format": "tapegrad-graph", "version": 2, "vertices": {"new": "layout"}})",
       {"version 2", "up to 1", "use a later tapegrad"}},
      {R"({"format": "tapegrad-graph", "version": "1"})", {"version should be a whole number"}},
      {R"({"format": "tapegrad-graph", "version": 1, "vertices": {}, "edges": []})", {"vertices", "an array"}},
      {R"({"format": "tapegrad-graph", "version": 1, "vertices": []})", {"has no \"edges\""}},
      {snapshot_of("1"), {"vertices[0] should be an object"}},
      {snapshot_of("[[1]]"), {"vertices[0] should be an object"}},
      {snapshot_of(a + ", {\"op\": \"exp\"}"), {"vertices[1] has no \"id\""}},
      {snapshot_of(a + "," + a), {"vertices[1]", "\"a\" occurs twice"}},
      {snapshot_of(R"({"id": "a", "kind": "banana"})"), {"vertices[0].kind is \"banana\"", "one of op, input"}},
      {snapshot_of(R"({"id": "a", "shape": [2, -1]})"), {"vertices[0].shape is [2,-1]", "each 0 or more"}},
      {snapshot_of(R"({"id": "a", "shape": [2.5]})"), {"vertices[0].shape"}},
      {snapshot_of(R"({"id": "a", "shape": [18446744073709551615]})"), {"vertices[0].shape"}},
      {snapshot_of(R"({"id": "a", "name": 7})"), {"vertices[0].name is 7; it should be a string"}},
      {snapshot_of(R"({"id": "a", "flops": -1})"), {"vertices[0].flops"}},
      {snapshot_of(R"({"id": "a", "flops": 1e999})"), {"not valid JSON"}},
      {snapshot_of(R"({"id": "a", "attributes": {"k": "v"}})"), {"vertices[0].attributes", "pairs"}},
      {snapshot_of(R"({"id": "a", "statistics": {"nan": 1.5}})"), {"vertices[0].statistics.nan is 1.5"}},
      {snapshot_of(R"({"id": "a", "statistics": {"min": "small"}})"), {"vertices[0].statistics.min"}},
      {snapshot_of(R"({"id": "a", "of": "zebra"})"), {"vertices[0]", "no vertex \"zebra\""}},
      {snapshot_of(a + "," + b, R"({"from": "a", "to": "c"})"), {"edges[0]", "no vertex \"c\""}},
      {snapshot_of(a + "," + b, R"({"from": "a", "to": "b", "slot": -1})"), {"edges[0].slot is -1"}},
      {snapshot_of(a + "," + b, R"({"from": "a", "to": "b", "slot": 4294967296})"), {"edges[0].slot"}},
      {snapshot_of(a + "," + b, R"({"from": "b", "to": "a"})"), {"edges[0]", "is a leaf"}},
      {snapshot_of(b, R"({"from": "b", "to": "b"})"), {"cycle"}},
  };
  for (const auto& one : cases) {
    const std::string& text = one.first;  // clang 14 captures no structured binding
    for (const std::string& part : one.second) {
      EXPECT_THAT([&] { from_json(text, "m.json"); },
                  ThrowsMessage<IoError>(AllOf(StartsWith("m.json"), HasSubstr(part))))
          << text;
    }
  }
}

TEST(Snapshot, EveryTruncationIsOneIoError) {
  const std::string text = to_json(with_everything());
  for (std::size_t length = 0; length + 2 < text.size(); ++length) {
    EXPECT_THROW(from_json(text.substr(0, length)), IoError) << length;
  }
}

TEST(Snapshot, EveryFlippedByteIsReadOrRefused) {
  const std::string text = to_json(with_everything());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char replacement : {'\0', '"', '9', '}', '\xFF'}) {
      std::string damaged = text;
      damaged[i] = replacement;
      try {
        from_json(damaged);
      } catch (const IoError&) {
      }
    }
  }
}

TEST(Snapshot, RefusesDeepNestingWithoutStackOrMemory) {
  const std::string brackets(5'000'000, '[');
  EXPECT_THAT([&] { from_json(brackets); }, ThrowsMessage<IoError>(HasSubstr("nested deeper than 16")));
  EXPECT_THAT([&] { from_json(R"({"vertices": [{"id": )" + brackets); },
              ThrowsMessage<IoError>(HasSubstr("nested deeper")));
  const std::string objects = [] {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += R"({"a":)";
    return text;
  }();
  EXPECT_THROW(from_json(objects), IoError);
}

TEST(Snapshot, TakesHundredThousandVertices) {
  const ComputationGraph graph = samples::unrolled(12'000);
  EXPECT_GT(graph.size(), 100'000U);
  EXPECT_EQ(from_json(to_json(graph)), graph);
}

}  // namespace
}  // namespace tapegrad::graph
