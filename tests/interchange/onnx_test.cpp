#include <tapegrad/interchange/onnx.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/interchange/internal/onnx_schema.hpp>
#include <tapegrad/ops/reduce.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Ne;
using testing::Pair;

schema::ValueInfo info(const std::string& name, std::vector<schema::Dimension> dims) {
  const schema::TensorType tensor{.elem_type = 1, .shape = schema::TensorShape{std::move(dims)}};
  return {.name = name, .type = schema::Type{.tensor_type = tensor}};
}
schema::Tensor floats(const std::string& name, std::vector<std::int64_t> dims, std::vector<float> values) {
  return {.dims = std::move(dims), .data_type = 1, .float_data = std::move(values), .name = name};
}

/// y = relu(x w + b), with x of [batch, 2].
schema::Model layer() {
  schema::Model model{.ir_version = 8, .producer_name = "by hand", .opset_import = {{"", 17}}};
  model.graph = schema::Graph{
      .node = {{.input = {"x", "layer.w", "layer.b"}, .output = {"h"}, .name = "product", .op_type = "Gemm"},
               {.input = {"h"}, .output = {"y"}, .name = "activation", .op_type = "Relu"}},
      .initializer = {floats("layer.w", {2, 2}, {1, 2, 3, 4}), floats("layer.b", {2}, {0.5f, -20})},
      .input = {info("x", {{.dim_param = "batch"}, {.dim_value = 2}})},
      .output = {info("y", {{.dim_param = "batch"}, {.dim_value = 2}})}};
  return model;
}

class Onnx : public ::testing::Test {
 protected:
  std::filesystem::path write(const schema::Model& model) const {
    return folder_.write("model.onnx", protobuf::encode(model));
  }
  Model load(const schema::Model& model) const { return onnx::load(write(model)); }
  const TemporaryFolder folder_;
};

TEST_F(Onnx, SaysWhatIsInAModel) {
  const Model model = load(layer());
  ASSERT_EQ(model.inputs().size(), 1U);
  EXPECT_EQ(describe(model.inputs()[0]), "x: float [batch, 2]");
  EXPECT_EQ(describe(model.outputs()[0]), "y: float [batch, 2]");
  EXPECT_EQ(model.opset(), 17);
  EXPECT_EQ(model.producer(), "by hand");
  ASSERT_EQ(model.parameters().size(), 2U);
  EXPECT_EQ(model.parameters()[0].name, "layer.w");
  EXPECT_EQ(model.operators(), (std::map<std::string, std::int64_t>{{"Gemm", 1}, {"Relu", 1}}));
}

TEST_F(Onnx, RunsAndDifferentiates) {
  const Model model = load(layer());
  const Tensor x = parameter(tensor({1, 2, 3, 4}, {2, 2}));
  const Tensor y = model(x).at(0);
  EXPECT_THAT(y.values(), ElementsAre(7.5, 0, 15.5, 2));
  sum(y).backward();
  EXPECT_THAT(x.grad().values(), ElementsAre(1, 3, 3, 7));
  EXPECT_THAT(model.parameters()[0].tensor.grad().values(), ElementsAre(4, 3, 6, 4));
  EXPECT_THAT(model.parameters()[1].tensor.grad().values(), ElementsAre(2, 1));
}

TEST_F(Onnx, FreezesByPattern) {
  Model model = load(layer());
  EXPECT_EQ(model.freeze("layer.w*"), 1U);
  EXPECT_FALSE(model.parameters()[0].tensor.requires_grad());
  EXPECT_TRUE(model.parameters()[1].tensor.requires_grad());
  EXPECT_EQ(model.freeze("*"), 2U);
  EXPECT_EQ(message_of<ValueError>([&] { model.freeze("head.*"); }),
            "onnx: no parameter matches 'head.*'; there are layer.w, layer.b");
}

TEST_F(Onnx, SaysWhatItExpects) {
  const Model model = load(layer());
  EXPECT_EQ(message_of<ShapeError>([&] {
              model(zeros({1, 3}));
            }),
            "onnx: the model expects x: float [batch, 2]; it is given [1, 3]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              model(zeros({1, 2}, f64));
            }),
            "onnx: the model expects x: float [batch, 2]; it is given double");
  EXPECT_EQ(message_of<ValueError>([&] {
              model(zeros({1, 2}), zeros({1, 2}));
            }),
            "onnx: the model has 1 inputs (x: float [batch, 2]), 2 are given");
}

TEST_F(Onnx, NamesTheNodeThatRefuses) {
  schema::Model model = layer();
  model.graph->initializer[1] = floats("layer.b", {3}, {1, 2, 3});
  EXPECT_THAT(message_of<ShapeError>([&] { load(model)(zeros({1, 2})); }), HasSubstr("node 'product' (Gemm): "));
}

TEST_F(Onnx, ListsAllThatIsNotSupported) {
  schema::Model model = layer();
  model.graph->node[0].op_type = "Scaler";
  model.graph->node[0].domain = "ai.onnx.ml";
  model.graph->node[1].op_type = "Frobnicate";
  const std::filesystem::path path = write(model);
  EXPECT_EQ(message_of<ValueError>([&] { onnx::load(path); }),
            path.string() +
                ": operators that are not supported: Frobnicate 17 ('activation'), ai.onnx.ml.Scaler 0 "
                "('product')");
  EXPECT_EQ(onnx::load(path, {.allow_unsupported = true}).unsupported().size(), 2U);
}

TEST_F(Onnx, SortsNodes) {
  schema::Model model = layer();
  std::swap(model.graph->node[0], model.graph->node[1]);
  EXPECT_THAT(load(model)(tensor({1, 2}, {1, 2})).at(0).values(), ElementsAre(7.5, 0));
}

TEST_F(Onnx, ReadsExternalDataBesideTheModelOnly) {
  schema::Model model = layer();
  schema::Tensor& bias = model.graph->initializer[1];
  bias.float_data.clear();
  bias.data_location = 1;
  bias.external_data = {{"location", "weights.bin"}, {"offset", "4"}, {"length", "8"}};
  const float values[] = {9, 0.5f, -20};
  folder_.write("weights.bin", std::string(reinterpret_cast<const char*>(values), sizeof values));
  EXPECT_THAT(load(model)(tensor({1, 2}, {1, 2})).at(0).values(), ElementsAre(7.5, 0));

  bias.external_data[1].value = "8";
  EXPECT_THAT(message_of<IoError>([&] { load(model); }), HasSubstr("8 bytes from 8 on of"));
  bias.external_data[1].value = "4";
  std::filesystem::create_symlink("weights.bin", folder_.path("link.bin"));
  bias.external_data[0].value = "link.bin";
  EXPECT_THAT(message_of<IoError>([&] { load(model); }), HasSubstr("which leads through a symbolic link"));
  std::filesystem::create_hard_link(folder_.path("weights.bin"), folder_.path("hard.bin"));
  bias.external_data[0].value = "hard.bin";
  EXPECT_THAT(message_of<IoError>([&] { load(model); }), HasSubstr("another name too"));
  const TemporaryFolder elsewhere;
  elsewhere.write("weights.bin", std::string(12, '\0'));
  std::filesystem::create_directory_symlink(elsewhere.path(), folder_.path("linked"));
  bias.external_data[0].value = "linked/weights.bin";
  EXPECT_THAT(message_of<IoError>([&] { load(model); }), HasSubstr("which leads through a symbolic link"));
  std::filesystem::create_directory(folder_.path("folder"));
  bias.external_data[0].value = "folder";
  EXPECT_THAT(message_of<IoError>([&] { load(model); }), HasSubstr("it is a directory"));
  ASSERT_EQ(::mkfifo(folder_.path("pipe").c_str(), 0600), 0);
  bias.external_data[0].value = "pipe";
  EXPECT_THAT(message_of<IoError>([&] { load(model); }), HasSubstr("it is not a regular file"));
}

TEST_F(Onnx, CallsFunctionsWithTheirAttributes) {
  schema::Model model = layer();
  schema::Attribute passed;
  passed.name = "alpha";
  passed.ref_attr_name = "slope";
  passed.type = 1;
  model.functions = {{.name = "Leak",
                      .domain = "mine",
                      .input = {"a"},
                      .output = {"b"},
                      .attribute = {"slope"},
                      .node = {{.input = {"a"}, .output = {"b"}, .op_type = "LeakyRelu", .attribute = {passed}}},
                      .opset_import = {{"", 17}}}};
  model.opset_import.push_back({"mine", 1});
  model.graph->node[1].op_type = "Leak";
  model.graph->node[1].domain = "mine";
  schema::Attribute slope;
  slope.name = "slope";
  slope.type = 1;
  slope.f = 0.5f;
  model.graph->node[1].attribute = {slope};
  EXPECT_THAT(load(model)(tensor({1, 2}, {1, 2})).at(0).values(), ElementsAre(7.5, -5));
}

TEST_F(Onnx, RunsALoop) {
  schema::Model model = layer();
  schema::Graph body{.node = {{.input = {"go"}, .output = {"on"}, .op_type = "Identity"},
                              {.input = {"v"}, .output = {"w"}, .op_type = "Identity"}},
                     .input = {{.name = "i"}, {.name = "go"}, {.name = "v"}},
                     .output = {{.name = "on"}, {.name = "w"}}};
  schema::Attribute attribute;
  attribute.name = "body";
  attribute.type = 5;
  attribute.g = body;
  model.graph->node[1] = {.input = {"trips", "", "h"}, .output = {"y"}, .op_type = "Loop", .attribute = {attribute}};
  model.graph->initializer.push_back({.dims = {}, .data_type = 7, .int64_data = {3}, .name = "trips"});
  EXPECT_THAT(load(model)(tensor({1, 2}, {1, 2})).at(0).values(), ElementsAre(7.5, -10));
}

schema::Attribute text(const std::string& name, const std::string& value) {
  schema::Attribute attribute;
  attribute.name = name;
  attribute.type = 3;
  attribute.s = value;
  return attribute;
}

/// y = op(x, …), with x of any shape and the other inputs weights.
schema::Model one_node(schema::Node node, std::vector<schema::Tensor> constants) {
  schema::Model model{.ir_version = 8, .opset_import = {{"", 20}}};
  model.graph = schema::Graph{.node = {std::move(node)},
                              .initializer = std::move(constants),
                              .input = {{.name = "x", .type = schema::Type{.tensor_type = schema::TensorType{1}}}},
                              .output = {{.name = "y", .type = schema::Type{.tensor_type = schema::TensorType{1}}}}};
  return model;
}

TEST_F(Onnx, ResizesByOneOperation) {
  const auto resized = [&](const std::vector<float>& scales, const std::string& coordinates,
                           const std::string& nearest) {
    const Tensor x = parameter(tensor({1, 2}, {1, 1, 2}));
    const Tensor y = load(one_node(
        {.input = {"x", "", "scales"},
         .output = {"y"},
         .op_type = "Resize",
         .attribute = {text("coordinate_transformation_mode", coordinates), text("nearest_mode", nearest)}},
        {floats("scales", {3}, scales)}))(x)
                         .at(0);
    return std::pair(y.values(), graph::capture(y).vertices()[1].op);
  };
  EXPECT_THAT(resized({1, 1, 2}, "asymmetric", "floor"), Pair(ElementsAre(1, 1, 2, 2), "interpolate"));
  EXPECT_THAT(resized({1, 1, 1.5f}, "half_pixel", "round_prefer_ceil"), Pair(ElementsAre(1, 2, 2), "interpolate"));
  // The operation would have ties, or extents, otherwise.
  EXPECT_THAT(resized({1, 1, 1.5f}, "half_pixel", "round_prefer_floor"), Pair(ElementsAre(1, 1, 2), Ne("interpolate")));
  EXPECT_THAT(resized({1, 1, 1.3f}, "asymmetric", "floor"), Pair(ElementsAre(1, 1), Ne("interpolate")));
}

TEST_F(Onnx, SamplesVolumes) {
  const Model model = load(one_node({.input = {"x", "grid"}, .output = {"y"}, .op_type = "GridSample"},
                                    {floats("grid", {1, 1, 1, 2, 3}, {0, 0, 0, 0.5f, 0, 0})}));
  EXPECT_THAT(model(tensor({1, 3}, {1, 1, 1, 1, 2})).at(0).values(), ElementsAre(2, 3));
}

}  // namespace
}  // namespace tapegrad::onnx
