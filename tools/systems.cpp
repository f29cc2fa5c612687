#include "systems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>

#include "saved_model.hpp"

namespace tapegrad::tools {

extern const System text_classifier, image_classifier, language_model, table_model, detector, recommender,
    speech_recognizer, image_generator, translator, masked_language_model, context_classifier;

std::span<const System> systems() {
  static const std::array all{text_classifier, image_classifier,      language_model,    table_model,
                              detector,        recommender,           speech_recognizer, image_generator,
                              translator,      masked_language_model, context_classifier};
  return all;
}

const System& system_of(const std::filesystem::path& folder) {
  ConfigReader config(folder);
  const std::string kind = config.kind();
  const auto found = std::ranges::find(systems(), kind, &System::kind);
  if (found == systems().end())
    throw IoError(fmt::format("{}: is of a {}, which this program does not know", config.file(), printable(kind, 40)));
  return *found;
}

}  // namespace tapegrad::tools
