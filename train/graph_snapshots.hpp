#pragma once
// GraphSnapshots: what the graph of a training looks like, every so often.

#include <cstdint>
#include <filesystem>
#include <string>
#include <tapegrad/train/trainer.hpp>

namespace tapegrad::train {

struct GraphSnapshotOptions {
  std::int64_t every_steps = 100;  ///< the step after each so many of the optimiser, the very first one too
  std::string suffix = ".json";    ///< the format, as graph::save knows it: a snapshot, or .html, .mmd, .svg
  std::string title = {};
};

/// Writes the graph of the loss of a step's last batch into a folder, as step-00000001.json and so on: with the norms
/// of the gradients of the whole step, once the backward pass has let go of what it had saved. Give it to
/// FitOptions::observers.
class GraphSnapshots : public Observer {
 public:
  /// Makes the folder. Throws ValueError for a suffix that names no format or fewer than 1 step, IoError if the folder
  /// cannot be made.
  explicit GraphSnapshots(std::filesystem::path folder, GraphSnapshotOptions options = {});

  void on_gradients(Trainer& trainer, const Tensor& loss) override;

 private:
  std::filesystem::path folder_;
  GraphSnapshotOptions options_;
  std::int64_t written_ = 0;  // the last step of which there is a file
};

}  // namespace tapegrad::train
