#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/masked_language_model.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/linear.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {
namespace {

EmbeddingOptions embedding_options(const ContextEncoderOptions& options) {
  if (options.width < 2 || options.width % 2 != 0)
    throw ValueError("context encoder: the width is " + std::to_string(options.width) + "; positions need an even one");
  const double deviation = 1 / std::sqrt(static_cast<double>(options.width));
  return {.sparse = false, .init = init::normal(0, deviation), .rng = options.rng};
}

TransformerOptions block_options(const ContextEncoderOptions& options) {
  return {.dropout = options.dropout, .activation = [](const Tensor& x) { return gelu_tanh(x); }, .rng = options.rng};
}

}  // namespace

ContextEncoder::ContextEncoder(Owner owner, const MemberName& name, const ContextEncoderOptions& options)
    : Layer(owner, name),
      embedding(*this, "embedding", options.tokens, options.width, embedding_options(options)),
      positions(*this, "positions"),
      dropout(*this, "dropout", options.dropout),
      blocks(*this, "blocks", options.layers, options.width, options.heads, block_options(options)) {}

Tensor ContextEncoder::forward(const Tensor& ids, const Tensor& lengths) const {
  if (ids.rank() != 2 || lengths.shape() != Shape{ids.size(0)} || lengths.dtype() != i64)
    throw ShapeError(describe() + ": ids " + to_string(ids.shape()) + " with lengths " + tapegrad::describe(lengths) +
                     "; expected [B, L] and i64 [B]");
  const Tensor mask = arange(ids.size(1)) < reshape(lengths, {-1, 1, 1, 1});
  const double scale = std::sqrt(static_cast<double>(embedding.width()));
  return blocks(dropout(positions(embedding(ids) * scale)), AttentionCall{.mask = mask});
}

MaskedLanguageModel::MaskedLanguageModel(const ContextEncoderOptions& options)
    : encoder(*this, "encoder", options),
      transform(*this, "transform", options.width, options.width, {.rng = options.rng}),
      norm(*this, "norm", options.width),
      bias(*this, "bias", zeros({options.tokens})) {}

Tensor MaskedLanguageModel::forward(const Tensor& ids, const Tensor& lengths, const Tensor& places) {
  const Tensor states = encoder(ids, lengths);
  const Tensor hidden = index_select(reshape(states, {-1, states.size(-1)}), 0, places);
  return linear(norm(gelu_tanh(transform(hidden))), encoder.embedding.weight, bias);
}

ContextClassifier::ContextClassifier(const ContextEncoderOptions& options, std::int64_t classes)
    : encoder(*this, "encoder", options),
      dropout(*this, "dropout", options.dropout),
      output(*this, "output", options.width, classes, {.rng = options.rng}) {}

Tensor ContextClassifier::forward(const Tensor& ids, const Tensor& lengths) {
  const Tensor counts = arange(ids.size(1)) < unsqueeze(lengths, 1);
  return output(dropout(masked_mean(encoder(ids, lengths), counts)));
}

}  // namespace tapegrad::nn::models
