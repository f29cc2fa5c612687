#pragma once
// The systems that `tapegrad train` trains, a file each in systems/.

#include <filesystem>
#include <span>
#include <string_view>

namespace CLI {
class App;
}

namespace tapegrad::tools {

struct ExportOptions;
struct GenerateOptions;
struct PredictOptions;

struct System {
  std::string_view kind;  ///< of its models, as config.json says it
  /// Adds its sub-commands to `train`; null if another system's train its models. `status` becomes the exit status
  /// where it is not always 0.
  void (*add_train_commands)(CLI::App& train, int& status);
  std::string_view command = "predict";  ///< that uses its models
  /// Runs `tapegrad predict`; null if its models do not classify.
  void (*predict)(const PredictOptions& options) = nullptr;
  /// Runs `tapegrad generate`; null if its models do not make anything new.
  void (*generate)(const GenerateOptions& options) = nullptr;
  /// Runs `tapegrad export`.
  void (*save_onnx)(const ExportOptions& options) = nullptr;
};

std::span<const System> systems();
/// That of the model in a folder; IoError if it is none of them.
const System& system_of(const std::filesystem::path& folder);

}  // namespace tapegrad::tools
