#pragma once
// What a checkpoint says about the training loop, as JSON.

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tapegrad/core/random.hpp>
#include <tapegrad/optim/schedule.hpp>
#include <tapegrad/train/internal/best_figure.hpp>
#include <tapegrad/train/internal/tally.hpp>
#include <tapegrad/train/trainer.hpp>

namespace tapegrad::train {

/// How far a call of fit() has come.
struct LoopState {
  std::int64_t first_epoch = 0;  ///< done before this fit()
  std::int64_t epoch = 0;        ///< done, of all fits
  std::int64_t batch = 0;        ///< done, of the next epoch
  double seconds = 0;            ///< spent on them
  Tally::State tally;            ///< of them
  /// What the order of the batches follows from; it must be the same to go on inside an epoch.
  nlohmann::ordered_json order;
  std::map<std::string, Rng::State> generators;
  std::optional<BestFigure::State> early_stopping, best_checkpoint;
  std::optional<optim::Plateau::State> plateau;
};

/// All of a training that is no tensor.
struct TrainingState {
  double rate_factor = 1;
  Rng::State default_rng;
  std::vector<EpochRecord> epochs;
  std::optional<LoopState> loop;  ///< nothing between fits
};

std::string to_text(const TrainingState& state);
/// IoError, which begins with `file`, if the text is not what to_text() writes.
TrainingState parse_training_state(const std::string& text, const std::string& file);

}  // namespace tapegrad::train
