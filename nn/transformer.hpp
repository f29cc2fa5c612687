#pragma once
// Transformer blocks (Vaswani et al. 2017): attention and a feed-forward network, each with a way round it.

#include <functional>
#include <tapegrad/nn/attention.hpp>
#include <tapegrad/nn/module_list.hpp>
#include <tapegrad/nn/normalization.hpp>
#include <tapegrad/ops/activation.hpp>

namespace tapegrad::nn {

struct TransformerOptions {
  std::int64_t hidden = 0;  ///< width of the feed-forward network's middle; 0: four times the width
  double dropout = 0;       ///< of each part's result, of the middle and of the attention
  /// Pre-norm, x + f(norm(x)), which trains deep stacks without warm-up (Xiong et al. 2020); false: norm(x + f(x)).
  bool norm_first = true;
  bool bias = true;
  bool rotary = false;  ///< positions inside the attention to oneself
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

}  // namespace tapegrad::nn
