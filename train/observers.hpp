#pragma once
// What watches a training or tells of it: progress on a terminal, metrics as JSON, TensorBoard, snapshots of the graph,
// a report.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <tapegrad/train/metric.hpp>
#include <tapegrad/train/trainer.hpp>
#include <utility>
#include <vector>

namespace tapegrad::train {

/// One line an epoch, with the loss and the metrics of the training and the validation. On a terminal also a bar with
/// the time left in the epoch, redrawn ten times a second at most.
class ConsoleProgress final : public Observer {
 public:
  /// What the output is shown on.
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

/// Which steps GraphSnapshots writes.
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

/// A table in a report.
struct ReportTable {
  std::string title;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

/// What save_report() writes.
struct Report {
  std::string title = "Training";
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< a table: "test accuracy", "0.91"
  std::vector<ReportTable> tables = {};                         ///< what else was found
  std::vector<EpochRecord> epochs = {};                         ///< as curves, and as a table
  ConfusionMatrix confusion = {};                               ///< left out if empty
  std::vector<std::string> class_names = {};                    ///< of the matrix; numbers where there is none
  std::string summary = {};                                     ///< Module::summary(), say
  std::string graph_svg = {};                                   ///< a picture, as graph::save writes it
};

/// One HTML file with nothing outside of it and no scripts; it forbids both to itself.
std::string report_html(const Report& report);
/// Writes it, whole or not at all.
void save_report(const std::filesystem::path& path, const Report& report);

/// The curves of loss and metrics alone, as SVG.
std::string curves_svg(std::span<const EpochRecord> epochs);

/// A curve.
struct Series {
  std::string name;
  std::vector<double> values;  ///< at x = 1, 2, …; NaN leaves a gap
};

/// Curves that share their axes.
struct Panel {
  std::string title;
  std::vector<Series> series;
};

/// Panels side by side, over one x axis each, labelled `x_label`. Lines differ in dash as well as in colour.
std::string line_chart_svg(const std::string& title, const std::string& x_label, const std::vector<Panel>& panels);

}  // namespace tapegrad::train
