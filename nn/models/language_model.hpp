#pragma once
// Language models over tokens, an LSTM and a GPT, and how text comes out of them.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <tapegrad/nn/recurrent.hpp>
#include <tapegrad/nn/sampling.hpp>
#include <tapegrad/nn/transformer.hpp>
#include <vector>

namespace tapegrad::nn::models {

enum class LanguageModelKind : std::uint8_t { lstm, gpt };
/// Their names, in order.
constexpr std::array<std::string_view, 2> choices(LanguageModelKind) { return {"lstm", "gpt"}; }

/// Kind and sizes of a language model.
struct LanguageModelOptions {
  LanguageModelKind kind = LanguageModelKind::lstm;
  std::int64_t tokens = 0;
  std::int64_t width = 512;
  std::int64_t layers = 1;
  std::int64_t heads = 4;
  std::int64_t context = 128;
  double dropout = 0.1;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the generator.
  static constexpr auto fields() {
    using Self = LanguageModelOptions;
    return std::tuple{Setting{"model", &Self::kind, "lstm or gpt"},
                      Setting{"tokens", &Self::tokens, "Different tokens"},
                      Setting{"width", &Self::width, "Of the tokens' vectors and of the layers"},
                      Setting{"layers", &Self::layers, "One on top of the other"},
                      Setting{"heads", &Self::heads, "Of a GPT"},
                      Setting{"context", &Self::context, "Tokens to learn from at a time; a GPT's memory"},
                      Setting{"dropout", &Self::dropout, "Of vectors, between layers and before the last one"}};
  }
};

/// What a model remembers of the tokens so far.
struct LanguageState {
  RecurrentState recurrent;
  std::vector<KeyValueCache> caches;
  std::int64_t length = 0;
};

/// The logits come from comparison with each token's vector (Press and Wolf 2017).
struct LanguageModel : Module {
  /// The model of the kind that the options say. ValueError for sizes that its layers refuse.
  static std::unique_ptr<LanguageModel> make(const LanguageModelOptions& options);

  /// ids [B, L] to logits of what comes next, [B · L, tokens]. With a state, ids go on from it and it goes on to their
  /// end; a GPT's state holds `context` tokens at most (ValueError).
  virtual Tensor forward(const Tensor& ids, LanguageState* state = nullptr) = 0;

  /// Tokens that it can look back on; none: all.
  virtual std::optional<std::int64_t> memory() const = 0;
};

/// Embedding, LSTM, logits of the next token.
struct LstmLanguageModel : LanguageModel {
  explicit LstmLanguageModel(const LanguageModelOptions& options);
  Tensor forward(const Tensor& ids, LanguageState* state = nullptr) override;
  std::optional<std::int64_t> memory() const override { return std::nullopt; }

  Embedding embedding;
  Dropout dropout;
  Lstm lstm;
  Parameter bias;
};

/// Embedding, Transformer blocks with causal attention, logits of the next token.
struct GptLanguageModel : LanguageModel {
  explicit GptLanguageModel(const LanguageModelOptions& options);
  Tensor forward(const Tensor& ids, LanguageState* state = nullptr) override;
  std::optional<std::int64_t> memory() const override { return positions.weight.size(0); }

  Embedding embedding;
  LearnedPositions positions;
  Dropout dropout;
  TransformerEncoder blocks;
  Parameter bias;
};

/// Of generate().
struct GenerateOptions {
  std::int64_t tokens = 400;             ///< at most; it ends before where the text does
  std::optional<std::int32_t> end = {};  ///< the token that ends a text
  SamplingOptions sampling = {};
  bool cache = true;  ///< of a GPT: keep keys and values instead of computing them anew for each token
};

/// Calls emit(token) with each token that the model adds to the prompt, which must not be empty (ValueError). Records
/// nothing.
void generate(LanguageModel& model, std::span<const std::int32_t> prompt, const GenerateOptions& options, Rng& rng,
              const std::function<void(std::int32_t)>& emit);

/// Nats that the model is surprised by in a stream of tokens, from the second token on, added up. It is read from its
/// beginning to its end: an LSTM carries its state along, a GPT looks back over half a context at least. Records
/// nothing; the model should be in eval().
double total_nats(LanguageModel& model, std::span<const std::int32_t> stream);

}  // namespace tapegrad::nn::models
