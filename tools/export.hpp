#pragma once
// Trained systems as ONNX files.

#include <map>
#include <string>
#include <tapegrad/interchange/onnx_save.hpp>
#include <tapegrad/nn/module.hpp>
#include <vector>

#include "saved_model.hpp"

namespace tapegrad::tools {

struct ExportOptions {
  std::string model;  ///< the folder that train wrote
  std::string out;
  LoadOptions load;
};

/// Writes what `record` computes with the module, for sizes that are open; `about` goes into the file's metadata.
void save_onnx(const ExportOptions& options, const nn::Module& module, const std::vector<onnx::Size>& sizes,
               const onnx::Recorder& record, std::map<std::string, std::string> about = {});

/// As metadata: a list in JSON.
std::string to_json_list(const std::vector<std::string>& names);

}  // namespace tapegrad::tools
