#pragma once
// Texts with classes, as options name them, in their parts.

#include <cstdint>
#include <span>
#include <string>
#include <tapegrad/data/internal/labelled_texts.hpp>

namespace CLI {
class App;
}

namespace tapegrad::tools {

struct TextSource {
  std::string source = "wordnet:", test;
  data::ReadOptions columns;
  std::string text_column, label_column;
  double validation = 0.1, held_out = 0.1;
  double labels = 1;  ///< share of the training part that is learned from
};

/// The texts of each part, with labels of one list of classes.
struct TextParts {
  data::LabelledTexts train, validation, test;
};

/// Says what the reader notes, on standard output. Throws as data::read_labelled_texts().
TextParts read_text_parts(TextSource source, std::uint64_t seed);

/// All but where the texts are.
void add_text_options(CLI::App& command, TextSource& source);

}  // namespace tapegrad::tools
