#pragma once
// Multi-head attention, encodings of positions and Transformer blocks (Vaswani et al. 2017).

#include <functional>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/init.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/module.hpp>
#include <tapegrad/nn/normalization.hpp>
#include <tapegrad/ops/activation.hpp>

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

/// Of MultiHeadAttention.
struct AttentionOptions {
  double dropout = 0;              ///< of the weights
  bool bias = true;                ///< of the four projections
  bool rotary = false;             ///< positions as rotations of queries and keys (Su et al. 2021)
  std::int64_t context_width = 0;  ///< of what keys and values are made of; 0: as the queries
  DType dtype = f32;
  Rng* rng = nullptr;  ///< null: default_rng()
};

/// Attention by several heads, with projections before and after it (Vaswani et al., 2017).
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

/// x [B, L, width] plus sines and cosines of the positions `first`, first + 1, … (Vaswani et al. 2017): of any length,
/// nothing to learn.
class SinusoidalPositions : public Layer<SinusoidalPositions> {
 public:
  using Layer::Layer;
  /// ShapeError unless x has three axes, the last one of an even extent.
  Tensor forward(const Tensor& x, std::int64_t first = 0) const;
};

/// Of LearnedPositions.
struct LearnedPositionsOptions {
  init::Initializer init = init::normal(0, 0.02);
  DType dtype = f32;
  Rng* rng = nullptr;  ///< null: default_rng()
};

/// x [B, L, width] plus a vector for each position, of which there are `longest`.
class LearnedPositions : public Layer<LearnedPositions> {
 public:
  /// ValueError if a size is below 1.
  LearnedPositions(Owner owner, const MemberName& name, std::int64_t longest, std::int64_t width,
                   const LearnedPositionsOptions& options = {});
  LearnedPositions(std::int64_t longest, std::int64_t width, const LearnedPositionsOptions& options = {})
      : LearnedPositions(kNoOwner, "", longest, width, options) {}

  /// ShapeError if x has another width, IndexError if it goes beyond the last position.
  Tensor forward(const Tensor& x, std::int64_t first = 0) const;

  Parameter weight;  ///< [longest, width]
};

/// Pairs (x_i, x_{i + D/2}) of the last axis turned by angles that grow with the position along the last axis but one:
/// products of two such vectors depend on how far apart they are (Su et al. 2021). x [..., L, D] with even D.
Tensor rotate_by_position(const Tensor& x, std::int64_t first = 0);

/// Of the blocks of a Transformer.
struct TransformerOptions {
  std::int64_t hidden = 0;  ///< width of the feed-forward network's middle; 0: four times the width
  double dropout = 0;       ///< of each part's result, of the middle and of the attention
  /// Pre-norm, x + f(norm(x)), which trains deep stacks without warm-up (Xiong et al. 2020); false: norm(x + f(x)).
  bool norm_first = true;
  bool bias = true;
  bool rotary = false;  ///< positions inside the attention to oneself
  double norm_eps = 1e-5;
  std::function<Tensor(const Tensor&)> activation = [](const Tensor& x) { return gelu(x); };
  std::int64_t memory_width = 0;  ///< of what a decoder looks at; 0: as its own
  DType dtype = f32;
  Rng* rng = nullptr;  ///< null: default_rng()
};

/// Two linear layers with an activation between: x [..., width] to the same shape.
class FeedForward : public Layer<FeedForward> {
 public:
  FeedForward(Owner owner, const MemberName& name, std::int64_t width, const TransformerOptions& options);
  Tensor forward(const Tensor& x) const;

  Linear expand, contract;
  Dropout dropout;

 private:
  std::function<Tensor(const Tensor&)> activation_;
};

/// x [B, L, width] to the same shape. Causal, it is the block of GPT.
class TransformerEncoderBlock : public Layer<TransformerEncoderBlock> {
 public:
  TransformerEncoderBlock(Owner owner, const MemberName& name, std::int64_t width, std::int64_t heads,
                          const TransformerOptions& options = {});
  TransformerEncoderBlock(std::int64_t width, std::int64_t heads, const TransformerOptions& options = {})
      : TransformerEncoderBlock(kNoOwner, "", width, heads, options) {}
  Tensor forward(const Tensor& x, const AttentionCall& call = {}) const;

  LayerNorm attention_norm;
  MultiHeadAttention attention;
  LayerNorm feed_forward_norm;
  FeedForward feed_forward;
  Dropout dropout;

 private:
  bool norm_first_;
};

/// x [B, L, width] looks at itself, then at memory [B, M, memory_width]; the result has the shape of x.
class TransformerDecoderBlock : public Layer<TransformerDecoderBlock> {
 public:
  TransformerDecoderBlock(Owner owner, const MemberName& name, std::int64_t width, std::int64_t heads,
                          const TransformerOptions& options = {});
  TransformerDecoderBlock(std::int64_t width, std::int64_t heads, const TransformerOptions& options = {})
      : TransformerDecoderBlock(kNoOwner, "", width, heads, options) {}
  Tensor forward(const Tensor& x, const Tensor& memory, const AttentionCall& self = {.causal = true},
                 const AttentionCall& cross = {}) const;

  LayerNorm attention_norm;
  MultiHeadAttention attention;
  LayerNorm memory_norm;
  MultiHeadAttention memory_attention;
  LayerNorm feed_forward_norm;
  FeedForward feed_forward;
  Dropout dropout;

 private:
  bool norm_first_;
};

/// Blocks one after the other, and, if they norm first, a norm at the end.
class TransformerEncoder : public Layer<TransformerEncoder> {
 public:
  /// ValueError if there are no layers.
  TransformerEncoder(Owner owner, const MemberName& name, std::int64_t count, std::int64_t width, std::int64_t heads,
                     const TransformerOptions& options = {});
  TransformerEncoder(std::int64_t count, std::int64_t width, std::int64_t heads, const TransformerOptions& options = {})
      : TransformerEncoder(kNoOwner, "", count, width, heads, options) {}

  /// x [B, L, width] to the same shape. `caches`: one a layer, or none. `weights`, if given, takes each layer's.
  Tensor forward(const Tensor& x, const AttentionCall& call = {}, std::span<KeyValueCache> caches = {},
                 std::vector<Tensor>* weights = nullptr) const;

  ModuleList<TransformerEncoderBlock> layers;
  LayerNorm norm;

 private:
  bool norm_first_;
};

/// What a layer of a decoder has seen: its own positions so far, and the memory.
struct DecoderCache {
  KeyValueCache self, memory;
};

/// Blocks one after the other, all with one memory, and, if they norm first, a norm at the end.
class TransformerDecoder : public Layer<TransformerDecoder> {
 public:
  /// ValueError if there are no layers.
  TransformerDecoder(Owner owner, const MemberName& name, std::int64_t count, std::int64_t width, std::int64_t heads,
                     const TransformerOptions& options = {});
  TransformerDecoder(std::int64_t count, std::int64_t width, std::int64_t heads, const TransformerOptions& options = {})
      : TransformerDecoder(kNoOwner, "", count, width, heads, options) {}

  /// x [B, L, width], of which no position looks at a later one, to the same shape. memory: [B, M, memory_width];
  /// `cross` says how it is looked at. `caches`: one a layer, or none; the first call with them reads the memory, later
  /// ones go on with what they hold of it. `weights`, if given, takes what each layer looks at of the memory.
  Tensor forward(const Tensor& x, const Tensor& memory, const AttentionCall& cross = {},
                 std::span<DecoderCache> caches = {}, std::vector<Tensor>* weights = nullptr) const;

  ModuleList<TransformerDecoderBlock> layers;
  LayerNorm norm;

 private:
  bool norm_first_;
};

}  // namespace tapegrad::nn
