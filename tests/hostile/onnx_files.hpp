#pragma once
// ONNX models, as a tree that can be spoilt before it is written.

#include <tapegrad/interchange/internal/onnx_schema.hpp>

namespace tapegrad::hostile {

namespace schema = onnx::schema;

/// y = x + w, with x of [2].
inline schema::Model small_model() {
  const auto info = [](const char* name) {
    schema::TensorType tensor{.elem_type = 1, .shape = schema::TensorShape{{{.dim_value = 2}}}};
    return schema::ValueInfo{.name = name, .type = schema::Type{.tensor_type = tensor}};
  };
  schema::Model model{.ir_version = 8, .opset_import = {{"", 17}}};
  model.graph = schema::Graph{.node = {{.input = {"x", "w"}, .output = {"y"}, .op_type = "Add"}},
                              .initializer = {{.dims = {2}, .data_type = 1, .float_data = {1, 2}, .name = "w"}},
                              .input = {info("x")},
                              .output = {info("y")}};
  return model;
}

/// The opset last, so that a file that is cut has none.
inline std::string onnx_file(const schema::Model& model) {
  schema::Model body = model;
  body.opset_import.clear();
  schema::Model rest{.opset_import = model.opset_import};
  return protobuf::encode(body) + protobuf::encode(rest);
}

}  // namespace tapegrad::hostile
