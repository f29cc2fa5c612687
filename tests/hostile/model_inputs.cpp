#include "formats.hpp"
#include "inputs.hpp"
#include "onnx_files.hpp"

namespace tapegrad::hostile {
namespace {

using namespace std::string_literals;

/// A small model, spoilt.
template <class F>
Input spoilt(std::string name, const F& change, std::string expected) {
  schema::Model model = small_model();
  change(model);
  return {"onnx", std::move(name), onnx_file(model), std::move(expected)};
}
template <class F>
Input weight(std::string name, const F& change, std::string expected) {
  return spoilt(
      std::move(name), [&](schema::Model& m) { change(m.graph->initializer[0]); }, std::move(expected));
}
template <class F>
Input node(std::string name, const F& change, std::string expected) {
  return spoilt(
      std::move(name), [&](schema::Model& m) { change(m.graph->node[0]); }, std::move(expected));
}
Input external(std::string name, std::vector<schema::StringStringEntry> data, std::string expected) {
  return weight(
      std::move(name),
      [&](schema::Tensor& t) {
        t.float_data.clear();
        t.data_location = 1;
        t.external_data = data;
      },
      std::move(expected));
}

/// If within If, so many levels deep.
schema::Graph nested(int levels) {
  schema::Graph graph{.node = {{.input = {"x"}, .output = {"y"}, .op_type = "Identity"}}, .output = {{.name = "y"}}};
  for (int i = 0; i < levels; ++i) {
    schema::Attribute branch;
    branch.name = "then_branch";
    branch.type = 5;
    branch.g = graph;
    graph.node = {{.input = {"c"}, .output = {"y"}, .op_type = "If", .attribute = {branch}}};
  }
  return graph;
}

/// A field of one message that is there again and again is one message with all that they hold.
std::string many_graphs(std::size_t count) {
  const schema::Model model = small_model();
  schema::Model part, rest{.ir_version = model.ir_version, .opset_import = model.opset_import};
  part.graph = model.graph;
  return repeated(protobuf::encode(part), count) + protobuf::encode(rest);
}

}  // namespace

std::vector<Input> model_inputs() {
  using schema::Model;
  using schema::Node;
  using schema::Tensor;
  std::vector<Input> all = {
      {"onnx", "empty", "", "it is empty"},
      {"onnx", "text", "hello, this is no model", "not an ONNX model"},
      {"onnx", "zeros", std::string(100, '\0'), "there is no field 0"},
      {"onnx", "ones", std::string(100, '\xFF'), "more than ten bytes"},
      {"onnx", "length of 2^63", "\x3A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", "bytes are announced"},
      {"onnx", "varint of eleven bytes", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"s, "more than ten bytes"},
      {"onnx", "a group", "\x0B\x0C", "wire type 3"},
      {"onnx", "graph as a number", "\x08\x08\x38\x05", "field 7 has wire type 0, 2 was expected"},
      {"onnx", "a million empty nodes", "\x3A\x80\x89\x7A" + repeated("\x0A\x00"s, 1'000'000), "too many small parts"},
      {"onnx", "field numbers of 2^29", "\x80\x80\x80\x80\x10\x01", "there is no field"},
      spoilt(
          "no graph", [](Model& m) { m.graph = {}; }, "it has no graph"),
      spoilt(
          "IR version 0", [](Model& m) { m.ir_version = 0; }, "IR version 0"),
      spoilt(
          "IR version a million", [](Model& m) { m.ir_version = 1'000'000; }, "IR version 1000000"),
      spoilt(
          "IR version negative", [](Model& m) { m.ir_version = -1; }, "IR version -1"),
      spoilt(
          "no opset", [](Model& m) { m.opset_import.clear(); }, "which opset"),
      spoilt(
          "opset 9999", [](Model& m) { m.opset_import[0].version = 9999; }, "opset 9999; 1 to 22 are known"),
      spoilt(
          "opset 0", [](Model& m) { m.opset_import[0].version = 0; }, "opset 0"),
      spoilt(
          "cycle",
          [](Model& m) {
            m.graph->node = {{.input = {"x", "b"}, .output = {"a"}, .op_type = "Add"},
                             {.input = {"a", "a"}, .output = {"b"}, .op_type = "Add"},
                             {.input = {"b"}, .output = {"y"}, .op_type = "Identity"}};
          },
          "is part of a cycle"),
      spoilt(
          "reads itself", [](Model& m) { m.graph->node[0].input[0] = "y"; }, "is part of a cycle"),
      spoilt(
          "output of nobody", [](Model& m) { m.graph->output[0].name = "z"; }, "no node computes the output 'z'"),
      spoilt(
          "two nodes, one output", [](Model& m) { m.graph->node.push_back(m.graph->node[0]); },
          "computes 'y', which has a value already"),
      spoilt(
          "output of an input", [](Model& m) { m.graph->node[0].output[0] = "x"; },
          "computes 'x', which has a value already"),
      spoilt(
          "two inputs, one name", [](Model& m) { m.graph->input.push_back(m.graph->input[0]); },
          "two inputs have the name 'x'"),
      spoilt(
          "two weights, one name", [](Model& m) { m.graph->initializer.push_back(m.graph->initializer[0]); },
          "two initializers have the name 'w'"),
      spoilt(
          "If within If, 40 levels",
          [](Model& m) {
            m.graph = nested(40);
            m.graph->input = {{.name = "x"}, {.name = "c"}};
          },
          "100 levels"),
      spoilt(
          "a value of a function that calls itself without end, unknown operator",
          [](Model& m) { m.graph->node[0].domain = "mine"; }, "operators that are not supported: mine.Add"),
      node(
          "unknown input", [](Node& n) { n.input[1] = "v"; }, "reads 'v', which no node computes"),
      node(
          "unknown operator", [](Node& n) { n.op_type = "Frobnicate"; }, "not supported: Frobnicate 17 ('y')"),
      node(
          "control characters", [](Node& n) { n.op_type = "\x1B[2J"; }, "\\x1B[2J"),
      node(
          "a list of graphs", [](Node& n) { n.attribute = {{.name = "g", .graphs = {schema::Graph{}}}}; },
          "a list of graphs"),
      weight(
          "no name", [](Tensor& t) { t.name.clear(); }, "an initializer has no name"),
      weight(
          "type 99", [](Tensor& t) { t.data_type = 99; }, "type 99"),
      weight(
          "no type", [](Tensor& t) { t.data_type = 0; }, "an undefined type"),
      weight(
          "complex", [](Tensor& t) { t.data_type = 14; }, "complex64"),
      weight(
          "negative extent", [](Tensor& t) { t.dims = {-2}; }, "a dimension is negative"),
      weight(
          "extents of 2^33", [](Tensor& t) { t.dims = {std::int64_t{1} << 33}; }, "2 elements are there"),
      weight(
          "extents that wrap to 0",
          [](Tensor& t) {
            t.dims = {std::int64_t{1} << 32, std::int64_t{1} << 32};
          },
          "tensor 'w'"),
      weight(
          "nine extents", [](Tensor& t) { t.dims.assign(9, 1); }, "tensor 'w'"),
      weight(
          "too few", [](Tensor& t) { t.float_data = {1}; }, "1 elements are there, shape [2] has 2"),
      weight(
          "too many",
          [](Tensor& t) {
            t.float_data = {1, 2, 3};
          },
          "3 elements are there"),
      weight(
          "the wrong field",
          [](Tensor& t) {
            t.float_data.clear();
            t.int64_data = {1, 2};
          },
          "0 elements are there"),
      weight(
          "raw and not", [](Tensor& t) { t.raw_data = "abcdefgh"; }, "it has raw data and other data"),
      weight(
          "raw, too short",
          [](Tensor& t) {
            t.float_data.clear();
            t.raw_data = "abcd";
          },
          "4 bytes are there, shape [2] of float has 8"),
      weight(
          "raw strings",
          [](Tensor& t) {
            t.data_type = 8;
            t.raw_data = "abcd";
          },
          "strings have no raw data"),
      weight(
          "uint64 of 2^63",
          [](Tensor& t) {
            t.data_type = 13;
            t.float_data.clear();
            t.uint64_data = {1, std::uint64_t{1} << 63};
          },
          "2^63 or more"),
      weight(
          "somewhere else", [](Tensor& t) { t.data_location = 7; }, "its data is in place 7"),
      external("external, nowhere", {}, "which is no name of a file"),
      external("external, absolute", {{"location", "/etc/passwd"}}, "within the model's folder"),
      external("external, above", {{"location", "../weights"}}, "within the model's folder"),
      external("external, above by a detour", {{"location", "a/../../weights"}}, "within the model's folder"),
      external("external, with a NUL", {{"location", "a\0b"s}}, "which is no name of a file"),
      external("external, missing", {{"location", "not-there.bin"}}, "o such file"),
      external("external, unknown key", {{"location", "w"}, {"exec", "rm"}}, "an unknown key 'exec'"),
      external("external, negative offset", {{"location", "w"}, {"offset", "-1"}}, "a number was expected"),
      external("external, length of words", {{"location", "w"}, {"length", "8x"}}, "a number was expected"),
  };
  all.push_back(
      {"onnx", "20,000 graphs, one after the other", many_graphs(20'000), "two initializers have the name 'w'"});
  schema::Model sparse = small_model();
  sparse.graph->sparse_initializer.push_back({.values = {.dims = {1}, .data_type = 1, .float_data = {1}, .name = "s"},
                                              .indices = {.dims = {1}, .data_type = 7, .int64_data = {0}},
                                              .dims = {1 << 20, 1 << 20}});
  all.push_back({"onnx", "sparse, of 2^40 zeros", onnx_file(sparse), "too large to be held"});
  return all;
}

}  // namespace tapegrad::hostile
