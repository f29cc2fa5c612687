#pragma once
// Metrics as JSON, for programs that read them.

#include <tapegrad/train/trainer.hpp>

namespace tapegrad::train {

/// One JSON object a line and epoch: epoch, steps, lr, seconds, loss, metrics by name, and those of the validation as
/// validation_loss and so on. A figure that is NaN or infinite is null.
std::string metrics_jsonl(std::span<const EpochRecord> epochs);

/// Keeps a file of them: after each epoch it has all that the trainer's history has, also after a resumption.
class MetricsLog final : public Observer {
 public:
  explicit MetricsLog(std::filesystem::path path) : path_(std::move(path)) {}
  void on_epoch(Trainer& trainer, const EpochRecord& epoch) override;

 private:
  std::filesystem::path path_;
};

}  // namespace tapegrad::train
