#include "saved_model.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/io/safetensors.hpp>

namespace tapegrad::tools {
namespace {

void parse_config(const std::filesystem::path& path, const std::function<void(const nlohmann::ordered_json&)>& read) {
  std::ifstream file(path);
  if (!file) throw IoError(path.string() + ": cannot be read; a model is a folder written by tapegrad train --out");
  try {
    read(nlohmann::ordered_json::parse(file));
  } catch (const nlohmann::json::exception& error) {
    throw IoError(path.string() + ": is not a model's configuration: " + error.what());
  }
}

}  // namespace

void read_config(const std::filesystem::path& folder, std::string_view kind, int version,
                 const std::function<void(const nlohmann::ordered_json&)>& read) {
  const std::filesystem::path path = folder / "config.json";
  parse_config(path, [&](const nlohmann::ordered_json& config) {
    if (config.at("kind") != kind) throw IoError(fmt::format("{}: is not of a {}", path.string(), kind));
    if (config.at("version") != version)
      throw IoError(fmt::format("{}: has version {}; this program reads version {}", path.string(),
                                config.at("version").dump(), version));
    read(config);
  });
}

std::string config_kind(const std::filesystem::path& folder) {
  std::string kind;
  parse_config(folder / "config.json", [&](const nlohmann::ordered_json& config) { config.at("kind").get_to(kind); });
  return kind;
}

void load_weights(const std::filesystem::path& folder, nn::Module& model) {
  const std::filesystem::path path = folder / "model.safetensors";
  const NamedTensors weights = io::load_safetensors(path);
  try {
    model.load_state(weights);
  } catch (const Error& error) {
    throw IoError(path.string() + ": " + error.what());
  }
  model.eval();
}

}  // namespace tapegrad::tools
