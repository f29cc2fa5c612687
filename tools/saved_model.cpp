#include "saved_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tapegrad/core/input_file.hpp>
#include <tapegrad/core/internal/json_text.hpp>
#include <tapegrad/core/printable.hpp>
#include <tapegrad/io/safetensors.hpp>

namespace tapegrad::tools {
namespace {

constexpr std::uint64_t kLargestConfig = std::uint64_t{16} << 20;
constexpr std::string_view kWeights = "model.safetensors";

std::string read_config(const std::filesystem::path& path) {
  try {
    return read_file(path, kLargestConfig);
  } catch (const IoError& error) {
    throw IoError(fmt::format("{}; a model is a folder written by tapegrad train --out", error.what()));
  }
}

bool is_finite(const Tensor& tensor) {
  const auto all_finite = [](auto values) {
    return std::ranges::all_of(values, [](auto v) { return std::isfinite(v); });
  };
  if (tensor.dtype() == f32) return all_finite(tensor.data<float>());
  return tensor.dtype() != f64 || all_finite(tensor.data<double>());
}

}  // namespace

Config::Config(const std::filesystem::path& folder) : file_((folder / "config.json").string()) {
  json_ = std::make_unique<nlohmann::json>(parse_json(read_config(file_), file_));
  if (!json_->is_object()) refuse("it is no object");
}

Config::~Config() = default;

void Config::refuse(const std::string& why) const {
  throw IoError(fmt::format("{}: is not a model's configuration: {}", file_, why));
}

const nlohmann::json& Config::field(const char* key) {
  used_.insert(key);
  const auto found = json_->find(key);
  if (found == json_->end()) refuse(fmt::format("it has no \"{}\"", key));
  return *found;
}

std::string Config::kind() {
  const nlohmann::json& value = field("kind");
  if (!value.is_string()) refuse("\"kind\" is no text");
  return value.get<std::string>();
}

void Config::require(std::string_view wanted, int version) {
  if (kind() != wanted) throw IoError(fmt::format("{}: is not of a {}", file_, wanted));
  if (const nlohmann::json& value = field("version"); value != version)
    throw IoError(
        fmt::format("{}: has version {}; this program reads version {}", file_, printable(value.dump(), 40), version));
}

std::int64_t Config::size(const char* key, std::int64_t least, std::int64_t most) {
  const nlohmann::json& value = field(key);
  const bool fits = value.is_number_integer() && value >= least && value <= most;
  if (!fits) refuse(fmt::format("\"{}\" is {}; expected {} to {}", key, printable(value.dump(), 40), least, most));
  return value.get<std::int64_t>();
}

std::vector<std::int64_t> Config::sizes(const char* key) {
  const nlohmann::json& value = field(key);
  const auto fits = [](const nlohmann::json& v) { return v.is_number_integer() && v >= 1 && v <= kLargest; };
  if (!value.is_array() || !std::ranges::all_of(value, fits))
    refuse(fmt::format("\"{}\" is {}; expected a list of sizes, each from 1 to {}", key, printable(value.dump(), 40),
                       kLargest));
  return value.get<std::vector<std::int64_t>>();
}

double Config::number(const char* key) {
  const nlohmann::json& value = field(key);
  if (!value.is_number()) refuse(fmt::format("\"{}\" is {}; expected a number", key, printable(value.dump(), 40)));
  return value.get<double>();
}

bool Config::flag(const char* key) {
  const nlohmann::json& value = field(key);
  if (!value.is_boolean())
    refuse(fmt::format("\"{}\" is {}; expected true or false", key, printable(value.dump(), 40)));
  return value.get<bool>();
}

std::size_t Config::choice(const char* key, std::initializer_list<std::string_view> words) {
  const nlohmann::json& value = field(key);
  const auto found = std::ranges::find_if(words, [&](std::string_view word) { return value == word; });
  if (found == words.end())
    refuse(fmt::format("\"{}\" is {}; expected one of {}", key, printable(value.dump(), 40), fmt::join(words, ", ")));
  return static_cast<std::size_t>(found - words.begin());
}

std::vector<std::string> Config::names(const char* key) {
  const nlohmann::json& value = field(key);
  const bool fits = value.is_array() && !value.empty() &&
                    std::ranges::all_of(value, [](const nlohmann::json& v) { return v.is_string(); });
  if (!fits) refuse(fmt::format("\"{}\" is {}; expected a list of names", key, printable(value.dump(), 40)));
  auto names = value.get<std::vector<std::string>>();
  std::set<std::string_view> seen;
  for (const std::string& name : names)
    if (!seen.insert(name).second) refuse(fmt::format("\"{}\" has {} twice", key, printable(name, 40)));
  return names;
}

void Config::finish() const {
  for (const auto& [key, value] : json_->items())
    if (!used_.contains(key)) refuse(fmt::format("it has \"{}\", which means nothing here", printable(key, 40)));
}

NamedTensors read_weights(const std::filesystem::path& folder, const LoadOptions& options) {
  const std::filesystem::path path = folder / kWeights;
  NamedTensors weights = io::load_safetensors(path);
  for (const auto& [name, tensor] : weights)
    if (!options.allow_nonfinite && !is_finite(tensor))
      throw IoError(fmt::format("{}: the tensor {} has a NaN or an infinity; --allow-nonfinite takes it as it is",
                                path.string(), printable(name, 60)));
  return weights;
}

std::uint64_t most_memory(const NamedTensors& weights) {
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : weights)
    bytes += static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype());
  constexpr std::uint64_t kNodes = std::uint64_t{1} << 20;
  return 4 * bytes + kNodes;
}

void put_weights(const std::filesystem::path& folder, const NamedTensors& weights, nn::Module& model) {
  try {
    model.load_state(weights);
  } catch (const Error& error) {
    throw IoError((folder / kWeights).string() + ": " + error.what());
  }
  model.eval();
}

}  // namespace tapegrad::tools
