#include <tapegrad/interchange/internal/onnx_program.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/interchange/internal/onnx_tensor.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

constexpr int kMostDepth = 64;  // of graphs and functions within each other

/// Runs `action`; an exception of the kinds that are listed gets `before` put in front.
template <class First, class... Rest, class F>
void naming(const std::string& before, const F& action) {
  try {
    if constexpr (sizeof...(Rest) > 0)
      naming<Rest...>(before, action);
    else
      action();
  } catch (const First& error) {
    throw First(before + error.what());
  }
}

/// The attributes that a call gives to a function's body: those of the node, or else the defaults.
Frame::Attributes attributes_for(const schema::Function& function, const Call& call) {
  Frame::Attributes given;
  for (const schema::Attribute& a : function.attribute_proto) given[a.name] = &a;
  for (const schema::Attribute& a : call.node().attribute)
    if (const schema::Attribute* found = call.find(a.name)) given[a.name] = found;
  return given;
}

}  // namespace

std::string label_of(const schema::Node& node) {
  if (!node.name.empty()) return printable(node.name, 200);
  std::vector<std::string> names;
  for (const std::string& output : node.output) names.push_back(printable(output, 60));
  return abridged(names);
}

const Value* Frame::find(const std::string& name) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return &found->second;
  return outer_ ? outer_->find(name) : nullptr;
}

std::vector<Value> Frame::run(const detail::Plan& plan) {
  for (const detail::Step& s : plan.steps) {
    step(s);
    for (const std::string& name : s.last) values_.erase(name);
  }
  std::vector<Value> outputs;
  for (const std::string& name : plan.outputs) {
    const Value* value = find(name);
    if (!value) throw ValueError(fmt::format("onnx: no node computes the output '{}'", printable(name, 200)));
    outputs.push_back(*value);
  }
  return outputs;
}

void Frame::step(const detail::Step& s) {
  const schema::Node& node = *s.node;
  const std::string label = label_of(node);
  naming<ShapeError, DTypeError, ValueError, IndexError, MemoryError, GraphError>(
      fmt::format("node '{}' ({}): ", label, printable(node.op_type, 60)), [&] {
        const Scope scope(label.empty() ? node.op_type : label);
        std::vector<Value> results;
        if (s.importer) {
          results = s.importer->run(Call(*this, s));
        } else if (s.function) {
          if (depth_ >= kMostDepth) throw ValueError("functions call each other more than 64 levels deep");
          const Attributes given = attributes_for(*s.function, Call(*this, s));
          Frame body(program_, nullptr, nullptr, &given, depth_ + 1);
          for (std::size_t i = 0; i < s.function->input.size(); ++i) {
            const Value* value = i < node.input.size() && !node.input[i].empty() ? find(node.input[i]) : nullptr;
            if (value) body.bind(s.function->input[i], *value);
          }
          results = body.run(program_.plans.at(s.function));
        } else {
          throw ValueError(
              fmt::format("opset {} of '{}' has no such operator here", s.version, printable(node.domain, 60)));
        }
        if (results.size() < node.output.size())
          throw ValueError(fmt::format("it has {} outputs, {} are asked for", results.size(), node.output.size()));
        for (std::size_t i = 0; i < node.output.size(); ++i)
          if (!node.output[i].empty()) bind(node.output[i], std::move(results[i]));
      });
}

bool Call::has(std::size_t i) const {
  return i < inputs() && !node().input[i].empty() && frame_.find(node().input[i]) && !value(i).empty();
}

const Value& Call::value(std::size_t i) const {
  if (i >= inputs()) fail(fmt::format("input {} is missing", i));
  const Value* found = frame_.find(node().input[i]);
  if (!found) fail(fmt::format("no node computes the input '{}'", printable(node().input[i], 200)));
  return *found;
}

const Tensor& Call::in(std::size_t i) const {
  const Tensor* tensor = value(i).tensor();
  if (!tensor) fail(fmt::format("input {} must be a tensor of numbers", i));
  return *tensor;
}

std::vector<Tensor> Call::all(std::size_t first) const {
  std::vector<Tensor> tensors;
  for (std::size_t i = first; i < inputs(); ++i) tensors.push_back(in(i));
  return tensors;
}

std::vector<std::int64_t> Call::integers_in(std::size_t i) const {
  const Tensor& t = in(i);
  if (t.rank() > 1 || (t.dtype() != i64 && t.dtype() != i32))
    fail(fmt::format("input {} must be a list of integers", i));
  const Tensor list = cast(t, i64).contiguous();
  const std::span<const std::int64_t> values = list.data<std::int64_t>();
  return {values.begin(), values.end()};
}

std::int64_t Call::integer_in(std::size_t i) const {
  const Tensor& t = in(i);
  if (t.numel() != 1 || is_floating(t.dtype())) fail(fmt::format("input {} must be one integer", i));
  return cast(t, i64).contiguous().data<std::int64_t>()[0];
}

const schema::Attribute* Call::find(std::string_view name) const {
  for (const schema::Attribute& a : node().attribute) {
    if (a.name != name) continue;
    if (a.ref_attr_name.empty()) return &a;
    if (!frame_.given()) return nullptr;
    const auto given = frame_.given()->find(a.ref_attr_name);
    return given == frame_.given()->end() ? nullptr : given->second;
  }
  return nullptr;
}

const schema::Attribute& Call::required(std::string_view name) const {
  const schema::Attribute* found = find(name);
  if (!found) fail(fmt::format("the attribute {} is missing", name));
  return *found;
}

std::int64_t Call::integer(std::string_view name, std::int64_t absent) const {
  const schema::Attribute* found = find(name);
  if (!found) return absent;
  if (found->f || found->s) fail(fmt::format("the attribute {} must be an integer", name));
  return found->i.value_or(0);
}

double Call::number(std::string_view name, double absent) const {
  const schema::Attribute* found = find(name);
  if (!found) return absent;
  if (found->i || found->s) fail(fmt::format("the attribute {} must be a float", name));
  return found->f.value_or(0);
}

std::string Call::text(std::string_view name, std::string_view absent) const {
  const schema::Attribute* found = find(name);
  if (!found) return std::string(absent);
  if (found->i || found->f) fail(fmt::format("the attribute {} must be a string", name));
  return found->s.value_or("");
}

std::vector<std::int64_t> Call::integers(std::string_view name, std::vector<std::int64_t> absent) const {
  const schema::Attribute* found = find(name);
  return found ? found->ints : absent;
}

std::vector<float> Call::numbers(std::string_view name) const {
  const schema::Attribute* found = find(name);
  return found ? found->floats : std::vector<float>{};
}

std::vector<std::string> Call::texts(std::string_view name) const {
  const schema::Attribute* found = find(name);
  return found ? found->strings : std::vector<std::string>{};
}

const Value& Call::tensor(std::string_view name) const {
  const schema::Attribute& found = required(name);
  const auto held = frame_.program().tensors.find(&found);
  if (held == frame_.program().tensors.end() || held->second.empty())
    fail(fmt::format("the attribute {} must be a tensor", name));
  return held->second.front();
}

int Call::axis(std::int64_t axis, std::size_t i) const { return normalized_axis("axis", axis, in(i).rank()); }

std::vector<std::int64_t> Call::integers_of(std::string_view name, std::size_t i) const {
  return has(i) ? integers_in(i) : integers(name);
}

std::vector<Value> Call::run(std::string_view attribute, std::vector<Value> given) const {
  const schema::Attribute& found = required(attribute);
  if (!found.g) fail(fmt::format("the attribute {} must be a graph", attribute));
  const schema::Graph& graph = *found.g;
  if (given.size() > graph.input.size())
    fail(fmt::format("the graph {} has {} inputs, {} are given", attribute, graph.input.size(), given.size()));
  Frame body(frame_.program(), &frame_, &graph, frame_.given(), frame_.depth() + 1);
  const auto initial = frame_.program().inner_initializers.find(&graph);
  if (initial != frame_.program().inner_initializers.end())
    for (const auto& [name, value] : initial->second) body.bind(name, value);
  for (std::size_t i = 0; i < given.size(); ++i) body.bind(graph.input[i].name, std::move(given[i]));
  return body.run(frame_.program().plans.at(&graph));
}

void Call::fail(const std::string& why) const { throw ValueError(why); }

Value like_input(const Call& call, Tensor result, std::size_t input) {
  if (input < call.inputs() && call.has(input) && call.value(input).tensor()) {
    const ElementType type = call.type(input);
    if (dtype_of(type) == result.dtype()) return {wrapped(result, type), type};
  }
  return result;
}

std::vector<Value> Import::operator()(const Call& call) const {
  if (one_) return {like_input(call, one_(call))};
  if (value_) return {value_(call)};
  return all_(call);
}

}  // namespace tapegrad::onnx
