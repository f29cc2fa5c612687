#include <gmock/gmock.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_schema.hpp>
#include <tapegrad/interchange/pytorch.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/io/safetensors.hpp>

#include "program.hpp"

namespace tapegrad::tools {
namespace {

namespace schema = onnx::schema;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OnnxCommands : public Program {
 protected:
  void SetUp() override {
    const auto info = [](const char* name) {
      const schema::TensorType tensor{.elem_type = 1,
                                      .shape = schema::TensorShape{{{.dim_param = "batch"}, {.dim_value = 2}}}};
      return schema::ValueInfo{.name = name, .type = schema::Type{.tensor_type = tensor}};
    };
    model_.graph =
        schema::Graph{.node = {{.input = {"x", "w"}, .output = {"h"}, .op_type = "MatMul"},
                               {.input = {"h"}, .output = {"y"}, .name = "act", .op_type = "Tanh"}},
                      .initializer = {{.dims = {2, 2}, .data_type = 1, .float_data = {1, 0, 0, 0}, .name = "w"}},
                      .input = {info("x")},
                      .output = {info("y")}};
    save();
  }
  void save() const { write("m.onnx", protobuf::encode(model_)); }

  schema::Model model_{.ir_version = 8, .opset_import = {{"", 17}}};
};

TEST_F(OnnxCommands, InspectSaysWhatIsInIt) {
  const Outcome o = run("inspect m.onnx --size batch=3");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("m.onnx: ONNX, IR version 8, opset 17\n"));
  EXPECT_THAT(o.out, HasSubstr("  x: float [batch, 2]\n"));
  EXPECT_THAT(o.out, HasSubstr("4 numbers in 1 tensors"));
  EXPECT_THAT(o.out, HasSubstr("1  MatMul\n"));
  EXPECT_THAT(o.out, HasSubstr("a run with batch=3\n"));
}

TEST_F(OnnxCommands, InspectNamesWhatIsNotSupported) {
  model_.graph->node[1].op_type = "Frobnicate";
  save();
  const Outcome o = run("inspect m.onnx");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("not supported\n  Frobnicate 17 (node 'act')\n"));
  EXPECT_EQ(run("graph m.onnx").status, 2);
}

TEST_F(OnnxCommands, RunWritesEachOutput) {
  io::save_npy(folder_ / "x.npy", tensor({0, 5}, {1, 2}));
  const Outcome o = run("run m.onnx --input x=x.npy --out results");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(o.out, "y.npy                f32 [1, 2]\n");
  EXPECT_THAT(io::load_npy(folder_ / "results/y.npy").values(), ElementsAre(0, 0));

  const Outcome missing = run("run m.onnx --out results");
  EXPECT_EQ(missing.status, 2);
  EXPECT_EQ(missing.err, "tapegrad: the input x: float [batch, 2] is missing; give --input x=FILE.npy\n");
  EXPECT_THAT(run("run m.onnx --input z=x.npy --out results").err, HasSubstr("fits no input; the model has x: float"));
}

TEST_F(OnnxCommands, GraphDrawsIt) {
  const Outcome o = run("graph m.onnx");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("tanh"));
}

TEST_F(OnnxCommands, GradcheckChecksIt) {
  const Outcome o = run("gradcheck m.onnx");
  EXPECT_EQ(o.status, 0) << o.out << o.err;
}

TEST_F(OnnxCommands, SayWhichSizesWereMadeUp) {
  EXPECT_THAT(run("inspect m.onnx").out, HasSubstr("a run with batch=1\n"));
}

/// Files of tensors alone.
class TensorCommands : public Program {
 protected:
  void SetUp() override {
    const Tensor weight = tensor({1, 2, 3, 4}, {2, 2}), steps = tensor({7}, {1}, i64);
    io::save_safetensors(folder_ / "a.safetensors", {{"body.0.weight", weight}, {"body.0.steps", steps}});
    io::save_pytorch(folder_ / "b.pt", {{"body.0.weight", tensor({1, 2, 3, 4.3}, {2, 2})}, {"head.bias", zeros({2})}});
  }
};

TEST_F(TensorCommands, InspectShowsTheirTree) {
  const Outcome o = run("inspect b.pt");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("2 tensors, 24 bytes\n"));
  EXPECT_THAT(o.out, HasSubstr("    weight  f32 [2, 2]  16 bytes\n"));
  EXPECT_THAT(run("inspect a.safetensors --json").out, HasSubstr("\"name\": \"body.0.steps\""));
  EXPECT_EQ(run("inspect a.safetensors --size batch=1").err, "tapegrad: --size is of the inputs of an ONNX model\n");
  EXPECT_THAT(run("inspect a.txt").err, HasSubstr("give a model (.onnx), or tensors (.pt, .safetensors, .npz)"));
}

TEST_F(TensorCommands, GraphDrawsThemInTheirScopes) {
  const Outcome o = run("graph a.safetensors");
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_THAT(o.out, HasSubstr("weight<br/>[2, 2] f32"));
  EXPECT_THAT(o.out, HasSubstr("subgraph f0[\"body.0\"]"));
}

TEST_F(TensorCommands, DiffGivesTheNormsOfWhatChanged) {
  const Outcome o = run("graph diff a.safetensors b.pt --weights");
  EXPECT_EQ(o.status, 1) << o.err;
  // 0.3 of the norm of (1, 2, 3, 4), the root of 30.
  EXPECT_THAT(o.out, HasSubstr("~ body.0.weight  f32 [2, 2]  norm of the difference 0.3, 5.48 % of its norm\n"));
  EXPECT_THAT(o.out, HasSubstr("- body.0.steps  i64 [1]\n~"));
  EXPECT_THAT(o.out, HasSubstr("+ head.bias  f32 [2]\nweights: 1 of 1 differ, 1 added, 1 removed\n"));
  EXPECT_EQ(run("graph diff a.safetensors a.safetensors --weights").status, 0);
  EXPECT_EQ(run("graph diff a.safetensors b.pt --weights -f mermaid").err,
            "tapegrad: --weights goes with the format text only\n");
}

}  // namespace
}  // namespace tapegrad::tools
