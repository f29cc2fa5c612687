#pragma once
// A masked language model (Devlin et al. 2019): it tells tokens that are hidden from those on both sides, and so learns
// from texts without labels; and the classifier that goes on from what it has learned.

#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <tapegrad/nn/transformer.hpp>

namespace tapegrad::nn::models {

struct ContextEncoderOptions {
  std::int64_t tokens = 0;
  std::int64_t width = 128;
  std::int64_t layers = 2;
  std::int64_t heads = 4;
  double dropout = 0.1;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the generator.
  static constexpr auto fields() {
    using Self = ContextEncoderOptions;
    return std::tuple{Setting{"tokens", &Self::tokens, "Different tokens"},
                      Setting{"width", &Self::width, "Of the tokens' vectors and of the layers"},
                      Setting{"layers", &Self::layers, "One on top of the other", Range{1, 64}},
                      Setting{"heads", &Self::heads, "Of each attention"},
                      Setting{"dropout", &Self::dropout, "Of vectors and of each layer's parts"}};
  }
};

/// Tokens to vectors that know the whole text: the encoder of a Transformer.
class ContextEncoder : public Layer<ContextEncoder> {
 public:
  /// ValueError for sizes that its layers refuse, and for an odd width.
  ContextEncoder(Owner owner, const MemberName& name, const ContextEncoderOptions& options);
  explicit ContextEncoder(const ContextEncoderOptions& options) : ContextEncoder(kNoOwner, "", options) {}

  /// Ids [B, L], of which lengths (i64 [B]) count, to [B, L, width]. What a text gives does not depend on those beside
  /// it, in use; what lies behind its end means nothing.
  Tensor forward(const Tensor& ids, const Tensor& lengths) const;

  Embedding embedding;
  SinusoidalPositions positions;
  Dropout dropout;
  TransformerEncoder blocks;
};

/// The logits come from comparison with each token's vector (Press and Wolf 2017).
struct MaskedLanguageModel : Module {
  explicit MaskedLanguageModel(const ContextEncoderOptions& options);

  /// Ids [B, L] with lengths [B], and places i64 [M] in the B · L of them, to logits of what stands there,
  /// [M, tokens]: inputs as data::augment::mask_tokens makes them.
  Tensor forward(const Tensor& ids, const Tensor& lengths, const Tensor& places);

  ContextEncoder encoder;
  Linear transform;
  LayerNorm norm;
  Parameter bias;  ///< [tokens]
};

/// Linear, of the mean of the vectors.
struct ContextClassifier : Module {
  ContextClassifier(const ContextEncoderOptions& options, std::int64_t classes);

  /// Ids [B, L] with lengths [B] to logits [B, classes].
  Tensor forward(const Tensor& ids, const Tensor& lengths);

  ContextEncoder encoder;
  Dropout dropout;
  Linear output;
};

}  // namespace tapegrad::nn::models
