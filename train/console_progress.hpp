#pragma once
// Progress of a training as text.

#include <functional>
#include <iosfwd>
#include <tapegrad/train/trainer.hpp>
#include <utility>

namespace tapegrad::train {

/// One line an epoch, with the loss and the metrics of the training and the validation. On a terminal also a bar with
/// the time left in the epoch, redrawn ten times a second at most.
class ConsoleProgress final : public Observer {
 public:
  struct Options {
    bool terminal = false;
    std::size_t columns = 80;              ///< of the terminal
    std::function<double()> seconds = {};  ///< a clock; none means the system's steady one
  };
  /// `out` must outlive it.
  ConsoleProgress(std::ostream& out, bool terminal);
  ConsoleProgress(std::ostream& out, Options options);

  void on_step(Trainer& trainer, const StepRecord& step) override;
  void on_epoch(Trainer& trainer, const EpochRecord& epoch) override;
  void on_warning(Trainer& trainer, const std::string& warning) override;
  void on_end(Trainer& trainer, const History& history) override;

 private:
  void clear_bar();

  std::ostream& out_;
  Options options_;
  std::int64_t epochs_ = 0, first_ = 0;
  std::pair<std::int64_t, bool> pass_;  // epoch, training
  double began_ = 0, drawn_ = 0;
  std::size_t bar_length_ = 0;
};

/// "4.2 s", "3 min 20 s", "2 h 05 min".
std::string format_seconds(double seconds);

}  // namespace tapegrad::train
