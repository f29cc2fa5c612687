#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/graph/capture.hpp>
#include <tapegrad/graph/save.hpp>
#include <tapegrad/train/observers.hpp>
#include <utility>

namespace tapegrad::train {

GraphSnapshots::GraphSnapshots(std::filesystem::path folder, GraphSnapshotOptions options)
    : folder_(std::move(folder)), options_(std::move(options)) {
  if (options_.every_steps < 1)
    throw ValueError(fmt::format("graph snapshots every {} steps; it is at least 1", options_.every_steps));
  static_cast<void>(graph::format_of("step" + options_.suffix));
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw IoError(fmt::format("{}: cannot be made: {}", folder_.string(), error.message()));
}

void GraphSnapshots::on_gradients(Trainer& trainer, const Tensor& loss) {
  const std::int64_t step = trainer.optimizer().steps() + 1;
  if ((step - 1) % options_.every_steps != 0 || step == written_) return;
  const std::string title =
      options_.title.empty() ? fmt::format("Step {}", step) : fmt::format("{}, step {}", options_.title, step);
  graph::save(graph::capture(loss, {.title = title, .statistics = true, .also = trainer.model().parameters()}),
              folder_ / fmt::format("step-{:08}{}", step, options_.suffix));
  written_ = step;
}

}  // namespace tapegrad::train
