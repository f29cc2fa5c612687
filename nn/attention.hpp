#pragma once
// Multi-head attention (Vaswani et al. 2017).

#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/linear.hpp>

namespace tapegrad::nn {

/// Keys and values of the positions seen so far, so that a model that generates computes them once.
struct KeyValueCache {
  Tensor keys, values;  ///< [B, heads, L, D]; undefined before the first call
  std::int64_t length() const { return keys.defined() ? keys.size(2) : 0; }
};

/// How a call of an attention layer differs from all looking at all.
struct AttentionCall {
  /// bool: true where a query may look at a key; floating: added to the scores. Broadcasts to [B, heads, Lq, Lk]. A
  /// query that may look at nothing gives the output of a value of 0.
  Tensor mask = {};
  bool causal = false;             ///< queries look at no later position; they are the last ones of the keys
  KeyValueCache* cache = nullptr;  ///< comes before this call's keys, and then holds them too
  Tensor* weights = nullptr;       ///< takes what each query looks at: [B, heads, Lq, Lk], without dropout
};

struct AttentionOptions {
  double dropout = 0;              ///< of the weights
  bool bias = true;                ///< of the four projections
  bool rotary = false;             ///< positions as rotations of queries and keys (Su et al. 2021)
  std::int64_t context_width = 0;  ///< of what keys and values are made of; 0: as the queries
  DType dtype = f32;
  Rng* rng = nullptr;  ///< null: default_rng()
};

class MultiHeadAttention : public Layer<MultiHeadAttention> {
 public:
  /// ValueError unless the heads divide the width, and with `rotary` into even parts.
  MultiHeadAttention(Owner owner, const MemberName& name, std::int64_t width, std::int64_t heads,
                     const AttentionOptions& options = {});
  MultiHeadAttention(std::int64_t width, std::int64_t heads, const AttentionOptions& options = {})
      : MultiHeadAttention(kNoOwner, "", width, heads, options) {}

  /// Self-attention: x [B, L, width] to the same shape.
  Tensor forward(const Tensor& x, const AttentionCall& call = {}) const { return forward(x, x, call); }
  /// x [B, Lq, width] looks at context [B, Lk, context_width]; the result has the shape of x.
  Tensor forward(const Tensor& x, const Tensor& context, const AttentionCall& call = {}) const;

  std::int64_t width() const { return query.in(); }
  std::int64_t heads() const { return heads_; }

  Linear query, key, value, output;

 private:
  Tensor split_heads(const Tensor& x) const;
  std::int64_t heads_;
  double dropout_;
  bool rotary_;
};

}  // namespace tapegrad::nn
