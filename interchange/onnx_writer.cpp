#include <tapegrad/interchange/internal/onnx_writer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/interchange/onnx.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

std::int32_t number_of(DType dtype) { return static_cast<std::int32_t>(element_type(dtype)); }

schema::ValueInfo declared(const Tensor& like, const std::string& name) {
  schema::TensorShape shape;
  for (const std::int64_t extent : like.shape()) shape.dim.push_back({.dim_value = extent});
  schema::Type type;
  type.tensor_type = schema::TensorType{number_of(like.dtype()), shape};
  return {.name = name, .type = type};
}

Expr same(std::string_view op, const Expr& a, const Expr& b) { return emit(op, {a, b}); }
Expr number_like(const Expr& like, double value) { return like.graph->number(value, like.dtype); }

}  // namespace

// ---- the graph ------------------------------------------------------------------------------------------------------

std::string GraphWriter::free_name(std::string_view wanted) {
  std::string name(wanted);
  for (int i = 1; name.empty() || !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted, i);
  return name;
}

Expr GraphWriter::node(std::string_view op, const std::vector<Expr>& inputs, DType dtype,
                       const NodeAttributes& attributes) {
  return nodes(op, inputs, 1, dtype, attributes)[0];
}

std::vector<Expr> GraphWriter::nodes(std::string_view op, const std::vector<Expr>& inputs, std::size_t results,
                                     DType dtype, const NodeAttributes& attributes) {
  schema::Node node;
  node.op_type = op;
  for (const Expr& input : inputs) node.input.push_back(input.name);
  const std::string name = free_name(place_.empty() ? std::string(op) : place_ + "/" + std::string(op));
  node.name = name;
  std::vector<Expr> values;
  for (std::size_t i = 0; i < results; ++i) {
    node.output.push_back(i == 0 ? name : free_name(fmt::format("{}:{}", name, i)));
    values.push_back({this, node.output.back(), dtype});
  }
  for (const auto& [key, value] : attributes) {
    schema::Attribute& a = node.attribute.emplace_back();
    a.name = key;
    if (const auto* i = std::get_if<std::int64_t>(&value)) {
      a.type = static_cast<std::int32_t>(schema::AttributeType::int_);
      a.i = *i;
    } else if (const auto* f = std::get_if<double>(&value)) {
      a.type = static_cast<std::int32_t>(schema::AttributeType::float_);
      a.f = static_cast<float>(*f);
    } else if (const auto* ints = std::get_if<Integers>(&value)) {
      a.type = static_cast<std::int32_t>(schema::AttributeType::ints);
      a.ints = *ints;
    } else if (const auto* strings = std::get_if<std::vector<std::string>>(&value)) {
      a.type = static_cast<std::int32_t>(schema::AttributeType::strings);
      a.strings = *strings;
    } else {
      a.type = static_cast<std::int32_t>(schema::AttributeType::string);
      a.s = std::get<std::string>(value);
    }
  }
  graph_.node.push_back(std::move(node));
  return values;
}

Expr GraphWriter::node(std::string_view op, const std::vector<Expr>& inputs, const NodeAttributes& attributes) {
  return node(op, inputs, inputs[0].dtype, attributes);
}

Expr GraphWriter::number(double value, DType dtype) {
  const auto [found, is_new] = numbers_.try_emplace({value, dtype});
  if (is_new) found->second = constant(scalar(value, dtype), fmt::format("{}", value));
  return found->second;
}

Expr GraphWriter::integers(const Integers& values) {
  const auto [found, is_new] = integers_.try_emplace(values);
  if (is_new) found->second = constant(copy_of(values), fmt::format("[{}]", fmt::join(values, ",")));
  return found->second;
}

Expr GraphWriter::constant(const Tensor& value, std::string_view name) {
  const Tensor dense = values_.emplace_back(value.detach().to_dense().contiguous());
  schema::Tensor& tensor = graph_.initializer.emplace_back();
  tensor.name = free_name(name);
  tensor.data_type = number_of(dense.dtype());
  tensor.dims.assign(dense.shape().begin(), dense.shape().end());
  tensor.raw_data = std::string_view(reinterpret_cast<const char*>(engine::node_of(dense).data),
                                     static_cast<std::size_t>(dense.numel()) * size_of(dense.dtype()));
  return {this, tensor.name, dense.dtype(), dense.shape()};
}

Expr GraphWriter::input(const Tensor& value, std::string_view name) {
  graph_.input.push_back(declared(value, std::string(name)));
  return {this, std::string(name), value.dtype(), value.shape()};
}

void GraphWriter::output(const Expr& value, const Tensor& like, std::string_view name) {
  // A node of its own, so that an output may be an input, or another output.
  schema::Node& node = graph_.node.emplace_back();
  node.op_type = "Identity";
  node.input = {value.name};
  node.output = {std::string(name)};
  graph_.output.push_back(declared(like, std::string(name)));
}

// ---- expressions ----------------------------------------------------------------------------------------------------

Expr emit(std::string_view op, const std::vector<Expr>& inputs) { return inputs[0].graph->node(op, inputs); }
Expr operator+(const Expr& a, const Expr& b) { return same("Add", a, b); }
Expr operator-(const Expr& a, const Expr& b) { return same("Sub", a, b); }
Expr operator*(const Expr& a, const Expr& b) { return same("Mul", a, b); }
Expr operator/(const Expr& a, const Expr& b) { return same("Div", a, b); }
Expr operator-(const Expr& x) { return emit("Neg", {x}); }
Expr operator+(const Expr& a, double b) { return a + number_like(a, b); }
Expr operator-(const Expr& a, double b) { return a - number_like(a, b); }
Expr operator*(const Expr& a, double b) { return a * number_like(a, b); }
Expr operator/(const Expr& a, double b) { return a / number_like(a, b); }
Expr operator+(double a, const Expr& b) { return number_like(b, a) + b; }
Expr operator-(double a, const Expr& b) { return number_like(b, a) - b; }
Expr operator*(double a, const Expr& b) { return number_like(b, a) * b; }
Expr operator/(double a, const Expr& b) { return number_like(b, a) / b; }
Expr compare(std::string_view op, const Expr& a, const Expr& b) { return a.graph->node(op, {a, b}, boolean); }
Expr choose(const Expr& condition, const Expr& a, const Expr& b) {
  return a.graph->node("Where", {condition, a, b}, a.dtype);
}
Expr cast_to(const Expr& x, DType dtype) {
  if (x.dtype == dtype) return x;
  Expr y = x.graph->node("Cast", {x}, dtype, {{"to", std::int64_t{number_of(dtype)}}});
  y.shape = x.shape;
  return y;
}
Expr maximum(const Expr& a, double b) { return same("Max", a, number_like(a, b)); }
Expr minimum(const Expr& a, double b) { return same("Min", a, number_like(a, b)); }
Expr reshape_to(const Expr& x, const Integers& shape) {
  // 0 is an extent, not "as it was".
  return x.graph->node("Reshape", {x, x.graph->integers(shape)}, {{"allowzero", std::int64_t{1}}});
}
Expr transposed(const Expr& x, const Integers& axes) {
  if (axes.empty()) return x;
  return x.graph->node("Transpose", {x}, {{"perm", axes}});
}
Expr sum_over(const Expr& x, const Integers& axes, bool keepdims) {
  return x.graph->node("ReduceSum", {x, x.graph->integers(axes)}, {{"keepdims", std::int64_t{keepdims}}});
}
Expr mean_over(const Expr& x, const Integers& axes, bool keepdims) {
  return x.graph->node("ReduceMean", {x}, {{"axes", axes}, {"keepdims", std::int64_t{keepdims}}});
}

// ---- calls ----------------------------------------------------------------------------------------------------------

RecordedCall::RecordedCall(GraphWriter& graph, const Node& node, const WrittenValues& values)
    : graph_(graph), node_(node), values_(values) {
  if (node.op->attributes) attributes_ = node.op->attributes(node);
  DType dtype = node.dtype;
  for (std::size_t i = 0; i < node.edge_count; ++i)
    if (const Node* input = node.edges()[i].node()) dtype = input->dtype;
  for (std::size_t i = 0; i < node.edge_count; ++i) {
    const Node* input = node.edges()[i].node();
    if (input)
      inputs_.push_back(values.at(input));
    else if (static_cast<std::int8_t>(i) == node.scalar_input)
      inputs_.push_back(graph.number(node.scalar, is_floating(node.dtype) ? node.dtype : dtype));
    else
      inputs_.push_back({});
  }
}

std::vector<Tensor> RecordedCall::run(const std::vector<Tensor>& inputs) const {
  return find_op(node_.op->info->name).call(inputs, attributes_);
}

std::optional<RecordedCall> RecordedCall::made_by(std::string_view op, std::size_t input) const {
  const Node* node = node_.edges()[input].node();
  if (!node || !node->op || op_name(*node) != op) return std::nullopt;
  const auto is_given = [&](const schema::ValueInfo& given) { return given.name == values_.at(node).name; };
  if (std::ranges::any_of(graph_.graph().input, is_given)) return std::nullopt;
  for (std::size_t i = 0; i < node->edge_count; ++i)
    if (const Node* of = node->edges()[i].node(); of && !values_.contains(of)) return std::nullopt;
  return RecordedCall(graph_, *node, values_);
}

std::string RecordedCall::attribute_text(std::string_view name) const {
  for (const auto& [key, text] : attributes_)
    if (key == name) return text;
  for (const AttributeInfo& attribute : find_op(node_.op->info->name).attributes())
    if (attribute.name == name) return attribute.default_value;
  throw ValueError(fmt::format("onnx::save: {} has no attribute {}", node_.op->info->name, name));
}

std::int64_t RecordedCall::axis(std::string_view attribute, std::size_t input) const {
  const std::int64_t axis = integer(attribute);
  return axis < 0 ? axis + inputs_[input].shape.rank() : axis;
}

void RecordedCall::refuse(std::string_view why) const {
  throw ValueError(fmt::format("{} ({})", node_.op->info->name, why));
}

}  // namespace tapegrad::onnx
