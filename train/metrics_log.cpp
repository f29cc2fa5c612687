#include <tapegrad/train/observers.hpp>

#include <nlohmann/json.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>

namespace tapegrad::train {
namespace {

using nlohmann::ordered_json;  // which writes a number that is not finite as null

void add(ordered_json& line, const Scores& scores, const std::string& prefix) {
  line[prefix + "loss"] = scores.loss;
  for (const auto& [name, value] : scores.metrics) line[prefix + name] = value;
}

}  // namespace

std::string metrics_jsonl(std::span<const EpochRecord> epochs) {
  std::string lines;
  for (const EpochRecord& e : epochs) {
    ordered_json line{{"epoch", e.epoch}, {"steps", e.steps}, {"lr", e.lr}, {"seconds", e.seconds}};
    add(line, e.train, "");
    if (e.validation) add(line, *e.validation, "validation_");
    lines += line.dump() + "\n";
  }
  return lines;
}

void MetricsLog::on_epoch(Trainer& trainer, const EpochRecord& /*epoch*/) {
  write_file(path_, metrics_jsonl(trainer.history().epochs));
}

}  // namespace tapegrad::train
