#include <tapegrad/nn/transformer.hpp>

#include <fmt/format.h>

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>

namespace tapegrad::nn {
namespace {

LinearOptions linear(const TransformerOptions& o) { return {.bias = o.bias, .dtype = o.dtype, .rng = o.rng}; }

AttentionOptions attention_to_self(const TransformerOptions& o) {
  return {.dropout = o.dropout, .bias = o.bias, .rotary = o.rotary, .dtype = o.dtype, .rng = o.rng};
}

AttentionOptions attention_to_memory(const TransformerOptions& o) {
  return {.dropout = o.dropout, .bias = o.bias, .context_width = o.memory_width, .dtype = o.dtype, .rng = o.rng};
}

NormOptions norm_of(const TransformerOptions& o) { return {.eps = o.norm_eps, .dtype = o.dtype}; }

std::int64_t middle(std::int64_t width, const TransformerOptions& o) { return o.hidden > 0 ? o.hidden : 4 * width; }

/// One part with the way round it.
template <class Part>
Tensor around(const Tensor& x, const LayerNorm& norm, const Dropout& dropout, bool norm_first, const Part& part) {
  if (norm_first) return x + dropout(part(norm(x)));
  return norm(x + dropout(part(x)));
}

void check_caches(const Module& module, std::size_t caches, std::size_t layers) {
  if (caches != 0 && caches != layers)
    throw ValueError(fmt::format("{}: {} caches for {} layers", module.describe(), caches, layers));
}

std::size_t checked_layers(const Module& module, std::int64_t layers) {
  if (layers < 1) throw ValueError(fmt::format("{}: {} layers; at least one is needed", module.describe(), layers));
  return static_cast<std::size_t>(layers);
}

}  // namespace

FeedForward::FeedForward(Owner owner, const MemberName& name, std::int64_t width, const TransformerOptions& options)
    : Layer(owner, name),
      expand(*this, "expand", width, middle(width, options), linear(options)),
      contract(*this, "contract", middle(width, options), width, linear(options)),
      dropout(*this, "dropout", options.dropout),
      activation_(options.activation) {}

Tensor FeedForward::forward(const Tensor& x) const { return contract(dropout(activation_(expand(x)))); }

TransformerEncoderBlock::TransformerEncoderBlock(Owner owner, const MemberName& name, std::int64_t width,
                                                 std::int64_t heads, const TransformerOptions& options)
    : Layer(owner, name),
      attention_norm(*this, "attention_norm", width, norm_of(options)),
      attention(*this, "attention", width, heads, attention_to_self(options)),
      feed_forward_norm(*this, "feed_forward_norm", width, norm_of(options)),
      feed_forward(*this, "feed_forward", width, options),
      dropout(*this, "dropout", options.dropout),
      norm_first_(options.norm_first) {}

Tensor TransformerEncoderBlock::forward(const Tensor& x, const AttentionCall& call) const {
  const Tensor y = around(x, attention_norm, dropout, norm_first_, [&](const Tensor& t) { return attention(t, call); });
  return around(y, feed_forward_norm, dropout, norm_first_, [&](const Tensor& t) { return feed_forward(t); });
}

TransformerDecoderBlock::TransformerDecoderBlock(Owner owner, const MemberName& name, std::int64_t width,
                                                 std::int64_t heads, const TransformerOptions& options)
    : Layer(owner, name),
      attention_norm(*this, "attention_norm", width, norm_of(options)),
      attention(*this, "attention", width, heads, attention_to_self(options)),
      memory_norm(*this, "memory_norm", width, norm_of(options)),
      memory_attention(*this, "memory_attention", width, heads, attention_to_memory(options)),
      feed_forward_norm(*this, "feed_forward_norm", width, norm_of(options)),
      feed_forward(*this, "feed_forward", width, options),
      dropout(*this, "dropout", options.dropout),
      norm_first_(options.norm_first) {}

Tensor TransformerDecoderBlock::forward(const Tensor& x, const Tensor& memory, const AttentionCall& self,
                                        const AttentionCall& cross) const {
  Tensor y = around(x, attention_norm, dropout, norm_first_, [&](const Tensor& t) { return attention(t, self); });
  y = around(y, memory_norm, dropout, norm_first_, [&](const Tensor& t) { return memory_attention(t, memory, cross); });
  return around(y, feed_forward_norm, dropout, norm_first_, [&](const Tensor& t) { return feed_forward(t); });
}

TransformerEncoder::TransformerEncoder(Owner owner, const MemberName& name, std::int64_t count, std::int64_t width,
                                       std::int64_t heads, const TransformerOptions& options)
    : Layer(owner, name),
      layers(*this, "layers", checked_layers(*this, count), width, heads, options),
      norm(*this, "norm", width,
           NormOptions{.affine = options.norm_first, .eps = options.norm_eps, .dtype = options.dtype}),
      norm_first_(options.norm_first) {}

Tensor TransformerEncoder::forward(const Tensor& x, const AttentionCall& call, std::span<KeyValueCache> caches,
                                   std::vector<Tensor>* weights) const {
  check_caches(*this, caches.size(), layers.size());
  if (weights) weights->assign(layers.size(), {});
  Tensor y = x;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    AttentionCall each = call;
    if (!caches.empty()) each.cache = &caches[i];
    if (weights) each.weights = &(*weights)[i];
    y = layers[i](y, each);
  }
  return norm_first_ ? norm(y) : y;
}

TransformerDecoder::TransformerDecoder(Owner owner, const MemberName& name, std::int64_t count, std::int64_t width,
                                       std::int64_t heads, const TransformerOptions& options)
    : Layer(owner, name),
      layers(*this, "layers", checked_layers(*this, count), width, heads, options),
      norm(*this, "norm", width, NormOptions{.affine = options.norm_first, .dtype = options.dtype}),
      norm_first_(options.norm_first) {}

Tensor TransformerDecoder::forward(const Tensor& x, const Tensor& memory, const AttentionCall& cross,
                                   std::span<DecoderCache> caches, std::vector<Tensor>* weights) const {
  check_caches(*this, caches.size(), layers.size());
  if (weights) weights->assign(layers.size(), {});
  Tensor y = x;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    AttentionCall self{.causal = true}, other = cross;
    if (!caches.empty()) self.cache = &caches[i].self, other.cache = &caches[i].memory;
    if (weights) other.weights = &(*weights)[i];
    const bool is_known = other.cache && other.cache->length() > 0;
    y = layers[i](y, is_known ? zeros({x.size(0), 0, memory.size(-1)}, memory.dtype()) : memory, self, other);
  }
  return norm_first_ ? norm(y) : y;
}

}  // namespace tapegrad::nn
