#include <tapegrad/nn/models/text_classifier.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/normalization.hpp>

namespace tapegrad::nn::models {

TextClassifier::TextClassifier(const TextClassifierOptions& options)
    : embedding(*this, "embedding", options.vocabulary, options.embedding,
                {.sparse = options.sparse, .rng = options.rng}),
      mean_dropout(*this, "mean_dropout", options.mean_dropout),
      dropout(*this, "dropout", options.dropout),
      output(*this, "output", options.hidden.empty() ? options.embedding : options.hidden.back(), options.classes,
             {.rng = options.rng}) {
  std::int64_t width = options.embedding;
  for (const std::int64_t next : options.hidden) {
    hidden.emplace_back(width, next, LinearOptions{.rng = options.rng});
    width = next;
  }
}

Tensor TextClassifier::classify(const Tensor& words, const Tensor& offsets) {
  Tensor x = pooling(words, offsets);
  if (hidden.size() > 0) x = mean_dropout(layer_norm(x, {x.size(-1)}));
  for (Linear& layer : hidden) x = dropout(relu(layer(x)));
  return output(x);
}

}  // namespace tapegrad::nn::models
