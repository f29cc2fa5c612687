#pragma once
// What `tapegrad generate` is asked for.

#include <cstdint>
#include <optional>
#include <string>
#include <tapegrad/nn/models/language_model.hpp>

#include "saved_model.hpp"

namespace tapegrad::tools {

struct GenerateOptions {
  std::string model, prompt;
  nn::models::GenerateOptions text{.sampling = {.temperature = 0.8, .top_p = 0.95}};
  std::optional<std::int64_t> count;
  std::string picture;       ///< PNG to write
  bool interpolate = false;  ///< between pictures
  std::uint64_t seed = 1;
  int threads = 1;
  LoadOptions load;
  std::string only_texts, only_pictures;  ///< an option given that the other kind of model has no use for
};

}  // namespace tapegrad::tools
