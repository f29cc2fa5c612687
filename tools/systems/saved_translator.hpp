#pragma once
// What `tapegrad train translate` saves and `tapegrad translate` reads: config.json, tokens.txt and model.safetensors.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <tapegrad/nn/models/translator.hpp>
#include <vector>

#include "../saved_model.hpp"
#include "token_file.hpp"

namespace tapegrad::tools {

struct SavedTranslator {
  using Model = nn::models::Translator;
  static constexpr std::string_view kKind = "translator";
  static constexpr int kVersion = 1;

  nn::models::TranslatorOptions options;
  std::vector<std::string> languages;  ///< source and target
  data::BytePairs tokens;              ///< of both

  static constexpr auto fields() {
    return std::tuple{part(&SavedTranslator::options), Setting{"languages", &SavedTranslator::languages}};
  }

  std::unique_ptr<Model> make(Rng& rng) const;
  void read_files(const std::filesystem::path& folder);
  void write_files(const OutputFolder& to) const { write_token_file(to, tokens); }

  /// With the end.
  std::vector<std::int32_t> encode(std::string_view text) const;
};

struct Translation {
  std::string text;
  double score = 0;  ///< logarithm of the probability, over what makes lengths comparable
  std::vector<std::int32_t> tokens = {};
};

struct TranslateOptions {
  std::int64_t beams = 4;
  double length_penalty = 1;
};

/// The best first, at most one a beam. Of blank text it is blank.
std::vector<Translation> translations_of(const SavedModel<SavedTranslator>& saved, std::string_view text,
                                         const TranslateOptions& options = {});

/// What each token of the translation, and its end, looked at in the text, as SVG.
std::string attention_picture(const SavedModel<SavedTranslator>& saved, std::string_view text,
                              const Translation& translation);

}  // namespace tapegrad::tools
