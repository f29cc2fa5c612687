#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/translator.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/linear.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {
namespace {

std::int64_t checked_width(std::int64_t width) {
  if (width < 2 || width % 2 != 0)
    throw ValueError("translator: the width is " + std::to_string(width) + "; positions need an even one");
  return width;
}

/// Vectors of length 1 or so, which states are compared with.
EmbeddingOptions embedding_options(const TranslatorOptions& options) {
  const double deviation = 1 / std::sqrt(static_cast<double>(checked_width(options.width)));
  return {.sparse = false, .init = init::normal(0, deviation), .rng = options.rng};
}

TransformerOptions layer_options(const TranslatorOptions& options) {
  return {.dropout = options.dropout, .activation = [](const Tensor& x) { return relu(x); }, .rng = options.rng};
}

Tensor as_batch(std::span<const std::int32_t> tokens) { return copy_of(tokens, Shape{1, std::ssize(tokens)}); }

/// Row r becomes what the row rows[r] was.
void take_rows(KeyValueCache& cache, const Tensor& rows) {
  if (cache.length() == 0) return;
  cache = {index_select(cache.keys, 0, rows), index_select(cache.values, 0, rows)};
}

}  // namespace

Translator::Translator(const TranslatorOptions& options)
    : embedding(*this, "embedding", options.tokens, options.width, embedding_options(options)),
      positions(*this, "positions"),
      dropout(*this, "dropout", options.dropout),
      encoder(*this, "encoder", options.layers, options.width, options.heads, layer_options(options)),
      decoder(*this, "decoder", options.layers, options.width, options.heads, layer_options(options)),
      bias(*this, "bias", zeros({options.tokens})) {}

Tensor Translator::embed(const Tensor& ids, std::int64_t first) {
  return dropout(positions(embedding(ids) * std::sqrt(static_cast<double>(embedding.width())), first));
}

Tensor Translator::compare(const Tensor& states) { return linear(states, embedding.weight, bias); }

Tensor Translator::forward(const Tensor& source, const Tensor& target, const Tensor& lengths) {
  if (source.rank() != 2 || target.rank() != 2 || target.size(0) != source.size(0) ||
      lengths.shape() != Shape{source.size(0)} || lengths.dtype() != i64)
    throw ShapeError("Translator: source " + to_string(source.shape()) + ", target " + to_string(target.shape()) +
                     ", lengths " + tapegrad::describe(lengths) + "; expected [B, S], [B, T] and i64 [B]");
  const Tensor mask = arange(source.size(1)) < reshape(lengths, {-1, 1, 1, 1});
  const Tensor memory = encoder(embed(source), AttentionCall{.mask = mask});
  return compare(decoder(embed(target), memory, AttentionCall{.mask = mask}));
}

Tensor Translator::loss(const Tensor& logits, const Tensor& next, double label_smoothing) {
  return cross_entropy(reshape(logits, {-1, logits.size(-1)}), reshape(next, {-1}),
                       {.label_smoothing = label_smoothing, .ignore_index = -1});
}

std::vector<Hypothesis> Translator::translate(std::span<const std::int32_t> source, std::int32_t end,
                                              const BeamOptions& options) {
  const NoGrad no_grad;
  const Tensor memory = encoder(embed(as_batch(source)));
  std::vector<DecoderCache> caches(decoder.layers.size());
  std::int64_t length = 0;
  const auto step = [&](std::span<const std::int32_t> tokens, std::span<const std::int64_t> parents) {
    const auto rows = std::ssize(tokens);
    const Tensor origins = copy_of(parents, Shape{rows});
    for (DecoderCache& cache : caches) {
      take_rows(cache.self, origins);
      take_rows(cache.memory, origins);
    }
    const Tensor x = embed(copy_of(tokens, Shape{rows, 1}), length++);
    return select(compare(decoder(x, memory, AttentionCall{}, std::span(caches))), 1, 0);
  };
  return beam_search(step, end, end, options);
}

Tensor Translator::attention(std::span<const std::int32_t> source, std::span<const std::int32_t> target) {
  const NoGrad no_grad;
  const Tensor memory = encoder(embed(as_batch(source)));
  std::vector<Tensor> layers;
  decoder(embed(as_batch(target)), memory, AttentionCall{}, std::span<DecoderCache>(), &layers);
  return mean(concat(layers, 1), {0, 1});
}

}  // namespace tapegrad::nn::models
