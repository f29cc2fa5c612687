#include "saved_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/core/internal/json_text.hpp>
#include <tapegrad/core/internal/printable.hpp>
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

bool is_size(const nlohmann::json& value, Range range) {
  return value.is_number_integer() && value >= range.least && value <= range.most;
}

bool is_finite(const Tensor& tensor) {
  const auto all_finite = [](auto values) {
    return std::ranges::all_of(values, [](auto v) { return std::isfinite(v); });
  };
  if (tensor.dtype() == f32) return all_finite(tensor.data<float>());
  return tensor.dtype() != f64 || all_finite(tensor.data<double>());
}

}  // namespace

ConfigReader::ConfigReader(const std::filesystem::path& folder) : file_((folder / kConfig).string()) {
  json_ = std::make_unique<nlohmann::json>(parse_json(read_config(file_), file_));
  if (!json_->is_object()) refuse("it is no object");
}

ConfigReader::~ConfigReader() = default;

void ConfigReader::refuse(const std::string& why) const {
  throw IoError(fmt::format("{}: is not a model's configuration: {}", file_, why));
}

const nlohmann::json& ConfigReader::field(std::string_view key) {
  const std::string& name = *used_.emplace(key).first;
  const auto found = json_->find(name);
  if (found == json_->end()) refuse(fmt::format("it has no \"{}\"", name));
  return *found;
}

std::string ConfigReader::kind() {
  const nlohmann::json& value = field("kind");
  if (!value.is_string()) refuse("\"kind\" is no text");
  return value.get<std::string>();
}

void ConfigReader::require(std::string_view wanted, int version) {
  if (kind() != wanted) throw IoError(fmt::format("{}: is not of a {}", file_, wanted));
  if (const nlohmann::json& value = field("version"); value != version)
    throw IoError(
        fmt::format("{}: has version {}; this program reads version {}", file_, printable(value.dump(), 40), version));
}

bool ConfigReader::has(std::string_view key) const { return json_->contains(key); }

void ConfigReader::read(std::string_view key, std::int64_t& value, Range range) {
  const nlohmann::json& found = field(key);
  if (!is_size(found, range))
    refuse(fmt::format("\"{}\" is {}; expected {} to {}", key, printable(found.dump(), 40), range.least, range.most));
  value = found.get<std::int64_t>();
}

void ConfigReader::read(std::string_view key, std::vector<std::int64_t>& values, Range range) {
  const nlohmann::json& found = field(key);
  const auto fits = [range](const nlohmann::json& v) { return is_size(v, range); };
  if (!found.is_array() || !std::ranges::all_of(found, fits))
    refuse(fmt::format("\"{}\" is {}; expected a list of sizes, each from {} to {}", key, printable(found.dump(), 40),
                       range.least, range.most));
  values = found.get<std::vector<std::int64_t>>();
}

void ConfigReader::read(std::string_view key, double& value, Range) {
  const nlohmann::json& found = field(key);
  if (!found.is_number()) refuse(fmt::format("\"{}\" is {}; expected a number", key, printable(found.dump(), 40)));
  value = found.get<double>();
}

void ConfigReader::read(std::string_view key, bool& value, Range) {
  const nlohmann::json& found = field(key);
  if (!found.is_boolean())
    refuse(fmt::format("\"{}\" is {}; expected true or false", key, printable(found.dump(), 40)));
  value = found.get<bool>();
}

void ConfigReader::read(std::string_view key, std::vector<std::string>& names, Range) {
  const nlohmann::json& found = field(key);
  const bool fits = found.is_array() && !found.empty() &&
                    std::ranges::all_of(found, [](const nlohmann::json& v) { return v.is_string(); });
  if (!fits) refuse(fmt::format("\"{}\" is {}; expected a list of names", key, printable(found.dump(), 40)));
  names = found.get<std::vector<std::string>>();
  std::set<std::string_view> seen;
  for (const std::string& name : names)
    if (!seen.insert(name).second) refuse(fmt::format("\"{}\" has {} twice", key, printable(name, 40)));
}

std::size_t ConfigReader::choice(std::string_view key, std::span<const std::string_view> words) {
  const nlohmann::json& value = field(key);
  const auto found = std::ranges::find_if(words, [&](std::string_view word) { return value == word; });
  if (found == words.end())
    refuse(fmt::format("\"{}\" is {}; expected one of {}", key, printable(value.dump(), 40), fmt::join(words, ", ")));
  return static_cast<std::size_t>(found - words.begin());
}

void ConfigReader::finish() const {
  for (const auto& [key, value] : json_->items())
    if (!used_.contains(key)) refuse(fmt::format("it has \"{}\", which means nothing here", printable(key, 40)));
}

ConfigWriter::ConfigWriter(std::string_view kind, int version)
    : json_(std::make_unique<nlohmann::ordered_json>(nlohmann::ordered_json{{"kind", kind}, {"version", version}})) {}

ConfigWriter::~ConfigWriter() = default;

void ConfigWriter::write(std::string_view key, std::int64_t value) { (*json_)[std::string(key)] = value; }
void ConfigWriter::write(std::string_view key, const std::vector<std::int64_t>& values) {
  (*json_)[std::string(key)] = values;
}
void ConfigWriter::write(std::string_view key, double value) { (*json_)[std::string(key)] = value; }
void ConfigWriter::write(std::string_view key, bool value) { (*json_)[std::string(key)] = value; }
void ConfigWriter::write(std::string_view key, const std::vector<std::string>& names) {
  (*json_)[std::string(key)] = names;
}
void ConfigWriter::write(std::string_view key, std::string_view word) { (*json_)[std::string(key)] = word; }

std::string ConfigWriter::text() const { return json_->dump(2) + "\n"; }

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
