#pragma once
// EmbeddingBag: the mean, sum or maximum of the vectors of each bag of ids.

#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/ops/embedding.hpp>

namespace tapegrad::nn {

/// Embedding followed by a reduction over each bag, without the vectors in between (except for the maximum).
class EmbeddingBag : public Layer<EmbeddingBag> {
 public:
  /// ValueError if a size is below 1.
  EmbeddingBag(Owner owner, const MemberName& name, std::int64_t count, std::int64_t width,
               BagMode mode = BagMode::mean, const EmbeddingOptions& options = {});
  EmbeddingBag(std::int64_t count, std::int64_t width, BagMode mode = BagMode::mean,
               const EmbeddingOptions& options = {})
      : EmbeddingBag(kNoOwner, "", count, width, mode, options) {}

  /// ids [T], i64 or i32, and offsets [B + 1], where bag b is the ids from offsets[b] up to, not including,
  /// offsets[b + 1], to [B, width]; an empty bag gives 0. IndexError, ShapeError, ValueError for what does not fit.
  Tensor forward(const Tensor& ids, const Tensor& offsets) const;

  Parameter weight;  ///< [count, width]

 private:
  BagMode mode_;
  bool sparse_;
};

}  // namespace tapegrad::nn
