#pragma once
// What `tapegrad train masked` saves and `tapegrad train text --init` goes on from: config.json, tokens.txt and
// model.safetensors.

#include <filesystem>
#include <memory>
#include <string_view>
#include <tapegrad/data/dataset.hpp>
#include <tapegrad/nn/models/masked_language_model.hpp>
#include <vector>

#include "../saved_model.hpp"
#include "token_file.hpp"

namespace tapegrad::tools {

/// How texts become tokens.
struct TextTokens {
  std::int64_t longest = 48;  ///< tokens of a text, of which the first ones count
  data::BytePairs pairs = {};

  std::int32_t mask() const { return pairs.size(); }
  /// With that which hides one.
  std::int64_t count() const { return pairs.size() + 1; }
  std::vector<std::int32_t> encode(std::string_view text) const;
};

/// Ids i32 [N, L] and lengths [N] of texts; with classes, unless those are left out.
data::SampleDataset dataset_of(const TextTokens& tokens, const std::vector<std::string>& texts,
                               const std::vector<std::int32_t>& classes = {});
/// The lengths of these, as batches want them.
std::vector<std::int64_t> lengths_of(const data::SampleDataset& texts);

struct SavedMasked {
  using Model = nn::models::MaskedLanguageModel;
  static constexpr std::string_view kKind = "masked language model";
  static constexpr int kVersion = 1;

  nn::models::ContextEncoderOptions options;
  TextTokens tokens;

  static constexpr auto fields() {
    return std::tuple{part(&SavedMasked::options),
                      part(&SavedMasked::tokens, Setting{"longest", &TextTokens::longest})};
  }

  std::unique_ptr<Model> make(Rng& rng) const;
  void read_files(const std::filesystem::path& folder) { tokens.pairs = read_token_file(folder, options.tokens - 1); }
  void write_files(const OutputFolder& to) const { write_token_file(to, tokens.pairs); }
};

}  // namespace tapegrad::tools
