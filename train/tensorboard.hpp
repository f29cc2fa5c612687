#pragma once
// Curves for TensorBoard.

#include <cstdio>
#include <tapegrad/train/trainer.hpp>

namespace tapegrad::train {

/// An event file as TensorBoard reads it, "events.out.tfevents…", of figures over steps. All functions throw IoError
/// that names the file if it cannot be written.
class EventFile {
 public:
  /// A new file in `folder`, which is made if it is missing.
  explicit EventFile(const std::filesystem::path& folder);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  void scalar(std::string_view tag, std::int64_t step, double value);
  /// Says that what earlier files of the folder have from `step` on does not count any more.
  void restart(std::int64_t step);
  /// What was written so far can be read now.
  void flush();
  const std::filesystem::path& path() const { return path_; }

 private:
  void event(std::int64_t step, const std::string& rest);
  void record(const std::string& data);
  [[noreturn]] void fail(int error) const;

  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
};

/// Writes the loss of each step as batch/loss and, after each epoch, train/loss, validation/loss, both for the
/// metrics, and lr, over the steps of the optimiser.
class TensorBoardLog final : public Observer {
 public:
  /// `every`: of how many steps one is written.
  explicit TensorBoardLog(const std::filesystem::path& folder, std::int64_t every = 1);
  void on_start(Trainer& trainer, const StartRecord& start) override;
  void on_step(Trainer& trainer, const StepRecord& step) override;
  void on_epoch(Trainer& trainer, const EpochRecord& epoch) override;

 private:
  EventFile file_;
  std::int64_t every_;
};

}  // namespace tapegrad::train
