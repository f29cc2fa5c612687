#pragma once
// What `tapegrad train language` saves and `tapegrad generate` reads: config.json, tokens.txt and model.safetensors.

#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <tapegrad/nn/models/language_model.hpp>

#include "../saved_model.hpp"
#include "token_file.hpp"

namespace tapegrad::tools {

struct SavedLanguage {
  using Model = nn::models::LanguageModel;
  static constexpr std::string_view kKind = "language model";
  static constexpr int kVersion = 1;

  nn::models::LanguageModelOptions options;
  data::BytePairs tokens;

  static constexpr auto fields() { return std::tuple{part(&SavedLanguage::options)}; }

  std::unique_ptr<Model> make(Rng& rng) const;
  void read_files(const std::filesystem::path& folder) { tokens = read_token_file(folder, options.tokens); }
  void write_files(const OutputFolder& to) const { write_token_file(to, tokens); }
};

/// Calls emit(bytes) with each token that the model adds to the prompt, up to the end of a text.
void write_text(const SavedModel<SavedLanguage>& saved, std::string_view prompt, nn::models::GenerateOptions options,
                Rng& rng, const std::function<void(std::string_view)>& emit);

}  // namespace tapegrad::tools
