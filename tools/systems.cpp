#include "systems.hpp"

#include <array>

namespace tapegrad::tools {

extern const System text_classifier, image_classifier, language_model, table_model;

std::span<const System> systems() {
  static const std::array all{text_classifier, image_classifier, language_model, table_model};
  return all;
}

}  // namespace tapegrad::tools
