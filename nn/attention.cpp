#include <tapegrad/nn/transformer.hpp>

#include <fmt/format.h>

#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/recompute.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/attention.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/sampling.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn {
namespace {

LinearOptions projection(const AttentionOptions& options) {
  return {.bias = options.bias, .dtype = options.dtype, .rng = options.rng};
}

std::int64_t context_width(std::int64_t width, const AttentionOptions& options) {
  return options.context_width > 0 ? options.context_width : width;
}

std::int64_t checked_heads(const Module& layer, std::int64_t width, std::int64_t heads,
                           const AttentionOptions& options) {
  if (heads < 1 || width % heads != 0)
    throw ValueError(
        fmt::format("{}: {} heads of a width of {}; the heads must divide the width", layer.describe(), heads, width));
  if (options.rotary && width / heads % 2 != 0)
    throw ValueError(
        fmt::format("{}: heads of width {}; rotary positions need an even one", layer.describe(), width / heads));
  if (!(options.dropout >= 0 && options.dropout < 1))
    throw ValueError(fmt::format("{}: the dropout is {}; it must lie in [0, 1)", layer.describe(), options.dropout));
  return heads;
}

/// Where query i of the last `queries` of `keys` positions does not look ahead, bool [queries, keys].
Tensor not_ahead(std::int64_t queries, std::int64_t keys) {
  Tensor seen = empty({queries, keys}, boolean);
  auto out = seen.mutable_data<bool>().begin();
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = 0; j < keys; ++j) *out++ = j <= keys - queries + i;
  return seen;
}

/// The mask, of bool or of floats, where `seen` holds; else it hides.
Tensor narrowed(const Tensor& mask, const Tensor& seen) {
  if (!mask.defined()) return seen;
  if (mask.dtype() == boolean) return logical_and(mask, seen);
  return where(seen, mask, -std::numeric_limits<double>::infinity());
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(Owner owner, const MemberName& name, std::int64_t width, std::int64_t heads,
                                       const AttentionOptions& options)
    : Layer(owner, name),
      query(*this, "query", width, width, projection(options)),
      key(*this, "key", context_width(width, options), width, projection(options)),
      value(*this, "value", context_width(width, options), width, projection(options)),
      output(*this, "output", width, width, projection(options)),
      heads_(checked_heads(*this, width, heads, options)),
      dropout_(options.dropout),
      rotary_(options.rotary) {}

Tensor MultiHeadAttention::split_heads(const Tensor& x) const {
  return transpose(reshape(x, {x.size(0), x.size(1), heads_, x.size(2) / heads_}), 1, 2);
}

Tensor MultiHeadAttention::forward(const Tensor& x, const Tensor& context, const AttentionCall& call) const {
  if (x.rank() != 3 || context.rank() != 3 || x.size(0) != context.size(0) || x.size(2) != query.in() ||
      context.size(2) != key.in())
    throw ShapeError(fmt::format("{}: input {} and context {}, expected [B, Lq, {}] and [B, Lk, {}]", describe(),
                                 to_string(x.shape()), to_string(context.shape()), query.in(), key.in()));
  Tensor q = split_heads(query(x)), k = split_heads(key(context)), v = split_heads(value(context));
  KeyValueCache seen_before;
  if (call.cache) {
    const std::vector<Tensor> carried = carry_in({call.cache->keys, call.cache->values});
    seen_before = {carried[0], carried[1]};
  }
  const std::int64_t past = seen_before.length();
  if (rotary_) {
    q = rotate_by_position(q, past + k.size(2) - q.size(2));
    k = rotate_by_position(k, past);
  }
  if (call.cache) {
    if (past > 0) {
      k = concat({seen_before.keys, k}, 2);
      v = concat({seen_before.values, v}, 2);
    }
    if (carry_out({k, v})) *call.cache = {k, v};
  }
  const std::int64_t queries = q.size(2), keys = k.size(2);
  if (call.causal && keys < queries)
    throw ShapeError(
        fmt::format("{}: {} queries, but {} keys; causal queries are the last of the keys", describe(), queries, keys));

  // What the op calls causal begins with the first key.
  const bool aligned = queries == keys, ahead = call.causal && queries > 1 && !aligned;
  const Tensor mask = ahead ? narrowed(call.mask, not_ahead(queries, keys)) : call.mask;
  tapegrad::AttentionOptions options{.mask = mask, .causal = call.causal && aligned};
  if (training()) options.dropout = dropout_;
  Tensor mixed;
  if (call.weights) {
    *call.weights = attention_weights(q, k, options);
    mixed = matmul(dropout(*call.weights, options.dropout), v);
  } else {
    mixed = scaled_dot_product_attention(q, k, v, options);
  }
  return output(reshape(transpose(mixed, 1, 2), x.shape()));
}

}  // namespace tapegrad::nn
