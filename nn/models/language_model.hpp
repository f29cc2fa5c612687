#pragma once
// The language models of `tapegrad train language`: an LSTM and a GPT over byte pairs, and how text comes out of them.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tapegrad/data/byte_pairs.hpp>
#include <tapegrad/nn/attention.hpp>
#include <tapegrad/nn/recurrent.hpp>
#include <tapegrad/nn/sampling.hpp>
#include <vector>

#include "saved_model.hpp"

namespace tapegrad::tools {

enum class LanguageModelKind { lstm, gpt };

/// Saved as config.json.
struct LanguageModelSizes {
  LanguageModelKind kind = LanguageModelKind::lstm;
  std::int64_t tokens = 0;
  std::int64_t width = 512;
  std::int64_t layers = 1;
  std::int64_t heads = 4;      ///< of a GPT
  std::int64_t context = 128;  ///< tokens that it learns from at a time; a GPT sees no further back
  double dropout = 0.1;
};

/// What a model remembers of the tokens so far.
struct LanguageState {
  nn::RecurrentState recurrent;
  std::vector<nn::KeyValueCache> caches;
  std::int64_t length = 0;
};

class LanguageModel : public nn::Module {
 public:
  static std::unique_ptr<LanguageModel> make(const LanguageModelSizes& sizes, Rng& rng);
  /// ids [B, L] to logits of what comes next, [B · L, tokens]. With a state, ids go on from it and it goes on to their
  /// end; a GPT's state holds `context` tokens at most (ValueError).
  virtual Tensor forward(const Tensor& ids, LanguageState* state = nullptr) = 0;
};

/// A trained model with its tokens: a folder of config.json, tokens.txt and model.safetensors.
struct SavedLanguageModel {
  LanguageModelSizes sizes;
  data::BytePairs tokens;
  std::unique_ptr<LanguageModel> model;

  static constexpr std::string_view kConfig = "config.json", kTokens = "tokens.txt";
  /// Throws IoError that names the file when one is missing or does not fit the others.
  static SavedLanguageModel load(const std::filesystem::path& folder, const LoadOptions& options = {});
};

std::string config_json(const LanguageModelSizes& sizes);

struct GenerateOptions {
  std::int64_t tokens = 400;  ///< at most; it ends before where the text does
  nn::SamplingOptions sampling;
  bool cache = true;  ///< of a GPT: keep keys and values instead of computing them anew for each token
};

/// Calls emit(bytes) with each token that the model adds to the prompt. Records nothing.
void generate(LanguageModel& model, const LanguageModelSizes& sizes, const data::BytePairs& tokens,
              std::string_view prompt, const GenerateOptions& options, Rng& rng,
              const std::function<void(std::string_view)>& emit);

/// Nats that the model is surprised by in each stream of tokens, from the second token on, added up. Each is read from
/// its beginning to its end: an LSTM carries its state along, a GPT looks back over half a context at least. Records
/// nothing; the model should be in eval().
double total_nats(LanguageModel& model, const LanguageModelSizes& sizes, std::span<const std::int32_t> stream);

}  // namespace tapegrad::tools
