#include <tapegrad/train/observers.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <ostream>

namespace tapegrad::train {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void add_scores(std::vector<std::string>& parts, const Scores& scores, std::string_view prefix) {
  parts.push_back(fmt::format("{}loss {:.4f}", prefix, scores.loss));
  for (const auto& [name, value] : scores.metrics) parts.push_back(fmt::format("{}{} {:.4f}", prefix, name, value));
}

}  // namespace

std::string format_seconds(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::lround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

ConsoleProgress::ConsoleProgress(std::ostream& out, bool terminal)
    : ConsoleProgress(out, Options{.terminal = terminal}) {}

ConsoleProgress::ConsoleProgress(std::ostream& out, Options options) : out_(out), options_(std::move(options)) {
  if (!options_.seconds) options_.seconds = steady_seconds;
}

void ConsoleProgress::clear_bar() {
  if (bar_length_ == 0) return;
  out_ << '\r' << std::string(bar_length_, ' ') << '\r';
  bar_length_ = 0;
}

void ConsoleProgress::on_step(Trainer&, const StepRecord& step) {
  epochs_ = step.epochs;
  if (!options_.terminal) return;
  const double now = options_.seconds();
  // The time left follows from the batches after the first that it sees of a pass, which need not be number 1.
  if (const auto pass = std::pair(step.epoch, step.training); pass != pass_ || step.batch <= first_) {
    pass_ = pass;
    first_ = step.batch;
    began_ = drawn_ = now;
  }
  if (now - drawn_ < 0.1) return;
  drawn_ = now;
  std::string text = fmt::format("epoch {}/{} ", step.epoch, step.epochs);
  if (step.batches) {
    constexpr std::int64_t kWidth = 20;
    const auto filled = static_cast<std::size_t>(kWidth * step.batch / *step.batches);
    const double left =
        (now - began_) * static_cast<double>(*step.batches - step.batch) / static_cast<double>(step.batch - first_);
    text += fmt::format("[{}{}] {}/{}  {} left ", std::string(filled, '='), std::string(kWidth - filled, ' '),
                        step.batch, *step.batches, format_seconds(left));
  } else {
    text += fmt::format("batch {} ", step.batch);
  }
  text += fmt::format(" {}loss {:.4f}", step.training ? "" : "validation ", step.mean_loss);
  if (text.size() >= options_.columns) text.resize(options_.columns - 1);
  const std::size_t length = text.size();
  if (length < bar_length_) text.append(bar_length_ - length, ' ');
  bar_length_ = length;
  out_ << '\r' << text << std::flush;
}

void ConsoleProgress::on_epoch(Trainer&, const EpochRecord& epoch) {
  clear_bar();
  const std::string last = std::to_string(epochs_);
  std::vector<std::string> parts{fmt::format("epoch {:>{}}/{}", epoch.epoch, last.size(), last)};
  add_scores(parts, epoch.train, "");
  if (epoch.validation) add_scores(parts, *epoch.validation, "val_");
  parts.push_back(format_seconds(epoch.seconds));
  std::size_t column = 0;
  for (const std::string& part : parts) {
    if (column > 0 && options_.terminal && column + 2 + part.size() > options_.columns) {
      out_ << "\n ";
      column = 1;
    }
    out_ << (column > 0 ? "  " : "") << part;
    column += (column > 0 ? 2 : 0) + part.size();
  }
  out_ << '\n' << std::flush;
}

void ConsoleProgress::on_warning(Trainer&, const std::string& warning) {
  clear_bar();
  out_ << "warning: " << warning << '\n' << std::flush;
}

void ConsoleProgress::on_end(Trainer&, const History& history) {
  clear_bar();
  if (history.stopped == StopReason::early)
    out_ << "stopped early: epoch " << history.best_epoch.value_or(0) << " was the best\n";
  else if (history.stopped == StopReason::requested)
    out_ << "stopped on request\n";
  out_ << std::flush;
}

}  // namespace tapegrad::train
