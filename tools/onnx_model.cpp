#include "onnx_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::tools {
namespace {

std::map<std::string, std::int64_t> parsed_sizes(const std::vector<std::string>& texts) {
  std::map<std::string, std::int64_t> sizes;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    std::int64_t size = -1;
    if (equals != std::string::npos) std::from_chars(text.data() + equals + 1, text.data() + text.size(), size);
    if (size < 0) throw ValueError(fmt::format("--size '{}' is not SYMBOL=NUMBER, as in --size batch=2", text));
    sizes[text.substr(0, equals)] = size;
  }
  return sizes;
}

onnx::Value made_up(const onnx::ValueInfo& info, const std::map<std::string, std::int64_t>& sizes, Rng& rng) {
  if (info.kind != onnx::ValueInfo::Kind::tensor || info.type == onnx::ElementType::string)
    throw ValueError(
        fmt::format("the input {} cannot be made up; give a model whose inputs are tensors", describe(info)));
  Shape shape;
  if (info.shape)
    for (const onnx::Dimension& d : *info.shape) {
      const auto given = sizes.find(d.symbol);
      shape = shape.insert(shape.rank(), d.size >= 0 ? d.size : given == sizes.end() ? 1 : given->second);
    }
  const DType dtype = onnx::dtype_of(info.type);
  return {is_floating(dtype) ? rand(shape, 0, 1, dtype, rng) : zeros(shape, dtype), info.type};
}

}  // namespace

bool is_onnx(const std::filesystem::path& path) { return path.extension() == ".onnx"; }

std::vector<std::string> sizes_made_up(const onnx::Model& model, const InputSource& source) {
  const std::map<std::string, std::int64_t> given = parsed_sizes(source.sizes);
  std::vector<std::string> sizes;
  for (const onnx::ValueInfo& info : model.inputs())
    for (const onnx::Dimension& d : info.shape.value_or(std::vector<onnx::Dimension>{})) {
      if (d.size >= 0 || d.symbol.empty()) continue;
      const auto found = given.find(d.symbol);
      std::string size = fmt::format("{}={}", printable(d.symbol, 80), found == given.end() ? 1 : found->second);
      if (std::ranges::find(sizes, size) == sizes.end()) sizes.push_back(std::move(size));
    }
  return sizes;
}

std::vector<onnx::Value> inputs_for(const onnx::Model& model, const InputSource& source, bool all_from_files) {
  std::map<std::string, std::string> files;
  std::size_t next = 0;
  for (const std::string& text : source.files) {
    const std::size_t equals = text.find('=');
    const bool named = equals != std::string::npos && std::ranges::find(model.inputs(), text.substr(0, equals),
                                                                        &onnx::ValueInfo::name) != model.inputs().end();
    if (named) {
      files[text.substr(0, equals)] = text.substr(equals + 1);
      continue;
    }
    if (next == model.inputs().size() || equals != std::string::npos) {
      std::vector<std::string> inputs;
      for (const onnx::ValueInfo& info : model.inputs()) inputs.push_back(describe(info));
      throw ValueError(fmt::format("--input '{}' fits no input; the model has {}", text, abridged(inputs)));
    }
    files[model.inputs()[next++].name] = text;
  }
  const std::map<std::string, std::int64_t> sizes = parsed_sizes(source.sizes);
  Rng rng(source.seed);
  std::vector<onnx::Value> values;
  for (const onnx::ValueInfo& info : model.inputs()) {
    const auto file = files.find(info.name);
    if (file == files.end()) {
      if (all_from_files)
        throw ValueError(fmt::format("the input {} is missing; give --input {}=FILE.npy", describe(info), info.name));
      values.push_back(made_up(info, sizes, rng));
      continue;
    }
    const Tensor given = io::load_npy(file->second);
    const DType wanted = onnx::dtype_of(info.type);
    if (is_floating(given.dtype()) && !is_floating(wanted))
      throw DTypeError(
          fmt::format("{} holds {}; the model expects {}", file->second, name_of(given.dtype()), describe(info)));
    values.emplace_back(cast(given, wanted), info.type);
  }
  return values;
}

graph::ComputationGraph record(const onnx::Model& model, const std::vector<onnx::Value>& inputs, std::string title) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (const Tensor* tensor = inputs[i].tensor()) Tensor(*tensor).set_name(model.inputs()[i].name);
  const Trace trace;
  std::vector<Tensor> outputs;
  for (const onnx::Value& value : model.run(inputs))
    if (const Tensor* tensor = value.tensor()) {
      if (tensor->name().empty() && !tensor->is_leaf()) Tensor(*tensor).set_name(model.outputs()[outputs.size()].name);
      outputs.push_back(*tensor);
    }
  return graph::capture(outputs, {.title = std::move(title), .trace = &trace});
}

}  // namespace tapegrad::tools
