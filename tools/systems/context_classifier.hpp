#pragma once
// tapegrad train text --init: a classifier that goes on from a masked language model.

#include <string>

#include "../training.hpp"
#include "text_parts.hpp"

namespace tapegrad::tools {

struct ContextOptions {
  std::string init;         ///< the folder of the masked language model
  bool frozen = false;      ///< only the last layer is learned
  bool untrained = false;   ///< weights are drawn anew, to compare with
  double layer_rate = 0.8;  ///< a layer's learning rate over that of the layer above it
};

/// Trains it, and gives the status to exit with.
int train_context_classifier(const ContextOptions& context, const TrainingOptions& options, const TextSource& source);

}  // namespace tapegrad::tools
