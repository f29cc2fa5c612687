#include <tapegrad/interchange/onnx.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/interchange/internal/onnx_program.hpp>
#include <tapegrad/interchange/internal/onnx_tensor.hpp>
#include <unordered_set>

namespace tapegrad::onnx {
namespace {

/// Names the file in what `action` throws of the kinds that files cause.
template <class F>
auto reading(const std::string& file, const F& action) {
  const auto text = [&](const std::exception& error) {
    return fmt::format("{}: not an ONNX model: {}", file, error.what());
  };
  try {
    return action();
  } catch (const IoError& error) {
    throw IoError(text(error));
  } catch (const ShapeError& error) {
    throw IoError(text(error));
  }
}

/// The raw data points into the file, which is not kept.
void forget_raw_data(schema::Graph& graph);
void forget_raw_data(std::vector<schema::Node>& nodes) {
  for (schema::Node& node : nodes)
    for (schema::Attribute& a : node.attribute) {
      if (a.t) *a.t = {};
      if (a.sparse_tensor) *a.sparse_tensor = {};
      a.tensors.clear();
      if (a.g) forget_raw_data(*a.g);
    }
}
void forget_raw_data(schema::Graph& graph) {
  graph.initializer.clear();
  graph.sparse_initializer.clear();
  forget_raw_data(graph.node);
}

/// "*" stands for any characters.
bool matches(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++t;
      ++p;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

void check_input(const ValueInfo& info, const Value& value, std::map<std::string, std::int64_t>& symbols) {
  const auto expected = [&] { return fmt::format("onnx: the model expects {}", describe(info)); };
  const Tensor* tensor = value.tensor();
  if (info.kind != ValueInfo::Kind::tensor) return;
  if (value.sequence() || value.empty()) throw ValueError(expected() + "; it is given none");
  if (value.type != info.type && info.type != ElementType::undefined)
    throw DTypeError(fmt::format("{}; it is given {}", expected(), name_of(value.type)));
  if (!tensor || !info.shape) return;
  const auto refuse = [&](std::string_view why) {
    throw ShapeError(fmt::format("{}; it is given {}{}", expected(), to_string(tensor->shape()), why));
  };
  if (tensor->rank() != static_cast<int>(info.shape->size())) refuse("");
  for (int axis = 0; axis < tensor->rank(); ++axis) {
    const Dimension& d = (*info.shape)[static_cast<std::size_t>(axis)];
    const std::int64_t extent = tensor->shape()[axis];
    if (d.size >= 0 && d.size != extent) refuse("");
    if (d.size < 0 && !d.symbol.empty() && symbols.try_emplace(d.symbol, extent).first->second != extent)
      refuse(fmt::format(" where {} is {} elsewhere", printable(d.symbol, 60), symbols[d.symbol]));
  }
}

void bind_weights(Frame& frame, const NamedTensors& parameters, std::span<const Tensor> weights) {
  if (weights.size() != parameters.size())
    throw ValueError(fmt::format("onnx: the model has {} weights, {} are given", parameters.size(), weights.size()));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto& [name, own] = parameters[i];
    if (weights[i].shape() != own.shape() || weights[i].dtype() != own.dtype())
      throw ShapeError(fmt::format("onnx: the weight '{}' is {}; {} is given", printable(name, 200), describe(own),
                                   describe(weights[i])));
    frame.bind(name, {weights[i], frame.find(name)->type});
  }
}

}  // namespace

Model load(const std::filesystem::path& path, const LoadOptions& options) {
  const InputFile file(path);
  auto program = std::make_shared<detail::Program>();
  program->file = file.name();
  const std::string bytes = file.read_all();
  reading(file.name(), [&] {
    if (bytes.empty()) throw IoError("it is empty");
    program->model = protobuf::decode<schema::Model>(bytes);
    detail::prepare(*program, folder_of(path));
  });
  forget_raw_data(*program->model.graph);
  for (schema::Function& function : program->model.functions) forget_raw_data(function.node);
  if (!program->unsupported.empty() && !options.allow_unsupported) {
    std::map<std::string, std::vector<std::string>> nodes;
    for (const auto& [op, node] : program->unsupported) nodes[op].push_back("'" + node + "'");
    std::vector<std::string> lines;
    for (const auto& [op, names] : nodes) lines.push_back(fmt::format("{} ({})", op, abridged(names)));
    throw ValueError(fmt::format("{}: operators that are not supported: {}", file.name(), abridged(lines)));
  }
  return Model(program);
}

Value load_value(const std::filesystem::path& path, const ValueInfo& declared) {
  const InputFile file(path);
  const std::string bytes = file.read_all();
  const std::filesystem::path folder = folder_of(path);
  const auto sequence = [&](const schema::SequenceFile& from, const auto& self) -> Value {
    Sequence items;
    for (const schema::Tensor& tensor : from.tensor_values) items.push_back(value_of(tensor, folder));
    for (const schema::SequenceFile& inner : from.sequence_values) items.push_back(self(inner, self));
    return items;
  };
  return reading(file.name(), [&]() -> Value {
    switch (declared.kind) {
      case ValueInfo::Kind::tensor:
        return value_of(protobuf::decode<schema::Tensor>(bytes), folder);
      case ValueInfo::Kind::sequence:
        return sequence(protobuf::decode<schema::SequenceFile>(bytes), sequence);
      case ValueInfo::Kind::optional:
        break;
    }
    const auto optional = protobuf::decode<schema::OptionalFile>(bytes);
    if (optional.tensor_value) return value_of(*optional.tensor_value, folder);
    if (optional.sequence_value) return sequence(*optional.sequence_value, sequence);
    return {};
  });
}

const std::vector<ValueInfo>& Model::inputs() const { return program_->inputs; }
const std::vector<ValueInfo>& Model::outputs() const { return program_->outputs; }
const NamedTensors& Model::parameters() const { return program_->parameters; }
const NamedTensors& Model::constants() const { return program_->constants; }
const std::map<std::string, std::int64_t>& Model::operators() const { return program_->operators; }
const std::vector<Unsupported>& Model::unsupported() const { return program_->unsupported; }
std::int64_t Model::ir_version() const { return program_->model.ir_version; }
const std::map<std::string, std::string>& Model::metadata() const { return program_->metadata; }

std::int64_t Model::opset() const {
  const auto own = program_->opsets.find("");
  return own == program_->opsets.end() ? 0 : own->second;
}

std::string Model::producer() const {
  const schema::Model& model = program_->model;
  return printable(model.producer_name + (model.producer_version.empty() ? "" : " " + model.producer_version), 100);
}

std::vector<Value> Model::run(std::vector<Value> given, std::span<const Tensor> weights) const {
  const std::vector<ValueInfo>& wanted = inputs();
  if (given.size() != wanted.size()) {
    std::vector<std::string> names;
    for (const ValueInfo& info : wanted) names.push_back(describe(info));
    throw ValueError(
        fmt::format("onnx: the model has {} inputs ({}), {} are given", wanted.size(), abridged(names), given.size()));
  }
  Frame frame(*program_, nullptr, &*program_->model.graph, nullptr, 0);
  for (const auto& [name, value] : program_->initializers) frame.bind(name, value);
  if (!weights.empty()) bind_weights(frame, parameters(), weights);
  std::map<std::string, std::int64_t> symbols;
  for (std::size_t i = 0; i < given.size(); ++i) {
    // A tensor given for a type that it cannot have is taken as its elements.
    if (const Tensor* tensor = given[i].tensor();
        tensor && wanted[i].type != given[i].type && given[i].type == element_type(tensor->dtype()) &&
        wanted[i].kind == ValueInfo::Kind::tensor && wanted[i].type != ElementType::undefined &&
        wanted[i].type != ElementType::string && dtype_of(wanted[i].type) == tensor->dtype())
      given[i].type = wanted[i].type;
    check_input(wanted[i], given[i], symbols);
    frame.bind(wanted[i].name, std::move(given[i]));
  }
  return frame.run(program_->plans.at(&*program_->model.graph));
}

std::vector<Tensor> Model::operator()(std::span<const Tensor> given) const {
  std::vector<Tensor> results;
  for (const Value& value : run({given.begin(), given.end()})) {
    if (!value.tensor())
      throw ValueError(
          fmt::format("onnx: the output {} is no tensor; call run()", describe(outputs()[results.size()])));
    results.push_back(*value.tensor());
  }
  return results;
}
std::vector<Tensor> Model::operator()(std::initializer_list<Tensor> given) const {
  return (*this)(std::span<const Tensor>(given.begin(), given.size()));
}

std::size_t Model::freeze(std::string_view pattern) {
  std::size_t count = 0;
  for (const auto& [name, tensor] : program_->parameters)
    if (matches(name, pattern)) {
      Tensor(tensor).set_requires_grad(false);
      ++count;
    }
  if (count == 0) {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : program_->parameters) names.push_back(printable(name, 100));
    throw ValueError(
        fmt::format("onnx: no parameter matches '{}'; there are {}", printable(pattern, 100), abridged(names)));
  }
  return count;
}

}  // namespace tapegrad::onnx
