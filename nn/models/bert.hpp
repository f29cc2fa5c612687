#pragma once
// BERT (Devlin, Chang, Lee and Toutanova 2019): texts to a vector for each token, and one for the text.

#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/transformer.hpp>

namespace tapegrad::nn::models {

/// Those of BERT-base, without its vocabulary.
struct BertOptions {
  std::int64_t tokens = 0;
  std::int64_t width = 768;
  std::int64_t layers = 12;
  std::int64_t heads = 12;
  std::int64_t hidden = 3072;  ///< width of the middle of the feed-forward networks
  std::int64_t context = 512;  ///< tokens of a text at most
  std::int64_t types = 2;      ///< of tokens: which text of a pair they belong to
  double dropout = 0.1;
  double norm_eps = 1e-12;
  Rng* rng = nullptr;  ///< null: default_rng()
};

struct Bert : Layer<Bert> {
  /// ValueError for sizes that the layers refuse.
  Bert(Owner owner, const MemberName& name, const BertOptions& options);
  explicit Bert(const BertOptions& options) : Bert(kNoOwner, "", options) {}

  /// ids [B, L] to vectors [B, L, width]. `types` [B, L], each token's; undefined: all 0. `mask` bool [B, L]: true for
  /// tokens, false for padding behind them; undefined: no padding.
  Tensor forward(const Tensor& ids, const Tensor& types = {}, const Tensor& mask = {}) const;

  /// Vectors [B, L, width] to one for each text, [B, width], made of that of its first token.
  Tensor pool(const Tensor& vectors) const;

  Embedding words;
  LearnedPositions positions;
  Embedding types;
  LayerNorm norm;
  Dropout dropout;
  TransformerEncoder encoder;
  Linear pooler;
};

}  // namespace tapegrad::nn::models
