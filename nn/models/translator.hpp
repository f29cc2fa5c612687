#pragma once
// A Transformer that translates: an encoder of the source, a decoder that looks at it (Vaswani et al. 2017).

#include <span>
#include <tapegrad/nn/beam_search.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <tapegrad/nn/transformer.hpp>
#include <vector>

namespace tapegrad::nn::models {

struct TranslatorOptions {
  std::int64_t tokens = 0;
  std::int64_t width = 192;
  std::int64_t layers = 3;
  std::int64_t heads = 4;
  double dropout = 0.1;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the generator.
  static constexpr auto fields() {
    using Self = TranslatorOptions;
    return std::tuple{Setting{"tokens", &Self::tokens, "Different tokens, of both languages"},
                      Setting{"width", &Self::width, "Of the tokens' vectors and of the layers"},
                      Setting{"layers", &Self::layers, "Of the encoder and of the decoder, each", Range{1, 64}},
                      Setting{"heads", &Self::heads, "Of each attention"},
                      Setting{"dropout", &Self::dropout, "Of vectors and of each layer's parts"}};
  }
};

/// Source and target share their tokens' vectors, with which the logits are made by comparison too (Press and Wolf
/// 2017).
struct Translator : Module {
  /// ValueError for sizes that its layers refuse, and for an odd width.
  explicit Translator(const TranslatorOptions& options);

  /// Ids of sources [B, S], of which lengths (i64 [B]) count, and of targets so far [B, T], to logits of what comes
  /// after each of the latter, [B, T, tokens]. What a pair gives does not depend on those beside it, in use.
  Tensor forward(const Tensor& source, const Tensor& target, const Tensor& lengths);

  /// Cross entropy of the tokens that come next [B, T], of which negative ones do not count.
  static Tensor loss(const Tensor& logits, const Tensor& next, double label_smoothing = 0);

  /// Beam search for translations of one source, which ends as those of the training did; `end` begins and ends them.
  /// Keys and values are computed once. The model should be in eval().
  std::vector<Hypothesis> translate(std::span<const std::int32_t> source, std::int32_t end,
                                    const BeamOptions& options = {});

  /// How much each token that comes after those of `target` looks at each of `source`, [T, S]: the mean over heads and
  /// layers. Rows sum to 1.
  Tensor attention(std::span<const std::int32_t> source, std::span<const std::int32_t> target);

  Embedding embedding;
  SinusoidalPositions positions;
  Dropout dropout;
  TransformerEncoder encoder;
  TransformerDecoder decoder;
  Parameter bias;  ///< [tokens]

 private:
  Tensor embed(const Tensor& ids, std::int64_t first = 0);
  Tensor compare(const Tensor& states);
};

}  // namespace tapegrad::nn::models
