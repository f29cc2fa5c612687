#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/bert.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {
namespace {

EmbeddingOptions embedding(const BertOptions& options) {
  return {.sparse = false, .init = init::normal(0, 0.02), .rng = options.rng};
}

}  // namespace

Bert::Bert(Owner owner, const MemberName& name, const BertOptions& options)
    : Layer(owner, name),
      words(*this, "words", options.tokens, options.width, embedding(options)),
      positions(*this, "positions", options.context, options.width, {.rng = options.rng}),
      types(*this, "types", options.types, options.width, embedding(options)),
      norm(*this, "norm", options.width, NormOptions{.eps = options.norm_eps}),
      dropout(*this, "dropout", options.dropout),
      encoder(*this, "encoder", options.layers, options.width, options.heads,
              {.hidden = options.hidden,
               .dropout = options.dropout,
               .norm_first = false,
               .norm_eps = options.norm_eps,
               .rng = options.rng}),
      pooler(*this, "pooler", options.width, options.width, {.rng = options.rng}) {}

Tensor Bert::forward(const Tensor& ids, const Tensor& token_types, const Tensor& mask) const {
  const auto check = [&](const Tensor& given, const char* what) {
    if (given.defined() && given.shape() != ids.shape())
      throw ShapeError(fmt::format("{}: {} {} for tokens {}; expected the same shape", describe(), what,
                                   to_string(given.shape()), to_string(ids.shape())));
  };
  check(token_types, "types");
  check(mask, "mask");
  const Tensor type = token_types.defined() ? types(token_types) : select(types.weight, 0, 0);
  const Tensor x = dropout(norm(positions(words(ids)) + type));
  if (!mask.defined()) return encoder(x);
  return encoder(x, AttentionCall{.mask = reshape(mask, {mask.size(0), 1, 1, mask.size(1)})});
}

Tensor Bert::pool(const Tensor& vectors) const { return tanh(pooler(select(vectors, 1, 0))); }

}  // namespace tapegrad::nn::models
