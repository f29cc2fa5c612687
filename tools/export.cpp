#include "export.hpp"

#include <nlohmann/json.hpp>

namespace tapegrad::tools {

void save_onnx(const ExportOptions& options, const nn::Module& module, const std::vector<onnx::Size>& sizes,
               const onnx::Recorder& record, std::map<std::string, std::string> about) {
  onnx::save(options.out, sizes, record, {.parameters = module.state(), .metadata = std::move(about)});
}

std::string to_json_list(const std::vector<std::string>& names) { return nlohmann::json(names).dump(); }

}  // namespace tapegrad::tools
