#pragma once
// Reading the folder that `tapegrad train --out` writes.

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tapegrad/nn/module.hpp>

namespace tapegrad::tools {

/// The content of config.json, for `read`. Throws IoError, which names the file, if it is missing, of another kind or
/// version, or has not what `read` asks of it.
void read_config(const std::filesystem::path& folder, std::string_view kind, int version,
                 const std::function<void(const nlohmann::ordered_json&)>& read);

/// What kind of model config.json says it is. IoError as above.
std::string config_kind(const std::filesystem::path& folder);

/// Puts model.safetensors in place, and the model into use. IoError, which names the file, if it does not fit.
void load_weights(const std::filesystem::path& folder, nn::Module& model);

}  // namespace tapegrad::tools
