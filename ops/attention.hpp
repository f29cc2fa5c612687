#pragma once
// Attention: values mixed by how well their keys match a query.

#include <tapegrad/core/random.hpp>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// Of scaled_dot_product_attention() and attention_weights().
struct AttentionOptions {
  /// Broadcasts to the scores [..., L, S]. Of bool: where it does not hold, a query does not see a key. Of floats:
  /// added to the scores; -inf hides a key. May have a gradient.
  Tensor mask = {};
  bool causal = false;  ///< query i sees keys 0 to i only
  double scale = 0;     ///< of the scores; 0 means 1 / √E
  double dropout = 0;   ///< probability with which a weight is set to 0, as dropout() does
  Rng* rng = nullptr;   ///< of the dropout; none means default_rng()
};
/// softmax(scale · query keyᵀ + mask) value. query is [..., L, E], key [..., S, E], value [..., S, V], whose leading
/// axes broadcast; the result is [..., L, V]. A query that sees no key gets 0, with gradient 0.
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options = {});

/// What it mixes the values by, without dropout: [..., L, S].
Tensor attention_weights(const Tensor& query, const Tensor& key, const AttentionOptions& options = {});

/// softmax(scale · scores) along the last axis over the keys that are seen: where `mask` (bool, broadcasts to the
/// scores) holds or there is none, and for causal up to the query's own position. 0 for the others, whose scores may be
/// NaN; rows that see nothing are 0, with gradient 0.
Tensor masked_softmax(const Tensor& scores, const Tensor& mask = {}, bool causal = false, double scale = 1);

}  // namespace tapegrad
