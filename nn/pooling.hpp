#pragma once
// Pooling over a sequence.

#include <tapegrad/nn/layer.hpp>

namespace tapegrad::nn {

/// The mean of each sequence's vectors; 0 for a sequence without any.
class GlobalAveragePooling1D : public Layer<GlobalAveragePooling1D> {
 public:
  using Layer::Layer;

  /// Sequences of one length: x [B, L, D] to [B, D].
  Tensor forward(const Tensor& x) const;
  /// Padded sequences, with a mask (bool [B, L]) of what counts: x [B, L, D] to [B, D].
  /// Ragged sequences, with offsets (i64 or i32 [B + 1]): x [T, D], where sequence b is the rows from offsets[b] up to,
  /// not including, offsets[b + 1], to [B, D].
  Tensor forward(const Tensor& x, const Tensor& mask_or_offsets) const;
};

}  // namespace tapegrad::nn
