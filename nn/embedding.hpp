#pragma once
// Embedding: a vector for each id.
// EmbeddingBag: the mean, sum or maximum of the vectors of each bag of ids.

#include <tapegrad/nn/init.hpp>
#include <tapegrad/nn/module.hpp>
#include <tapegrad/ops/embedding.hpp>

namespace tapegrad::nn {

/// Of Embedding.
struct EmbeddingOptions {
  bool sparse = true;  ///< the gradient holds only the rows that a batch uses
  init::Initializer init = init::uniform(-0.05, 0.05);
  DType dtype = f32;
  Rng* rng = nullptr;  ///< null: default_rng()
};

/// ids of any shape, i64 or i32, to that shape with `width` appended.
class Embedding : public Layer<Embedding> {
 public:
  /// ValueError if a size is below 1.
  Embedding(Owner owner, const MemberName& name, std::int64_t count, std::int64_t width,
            const EmbeddingOptions& options = {});
  Embedding(std::int64_t count, std::int64_t width, const EmbeddingOptions& options = {})
      : Embedding(kNoOwner, "", count, width, options) {}

  /// IndexError for an id outside [0, count), DTypeError if they are not integers.
  Tensor forward(const Tensor& ids) const;

  std::int64_t count() const { return weight.size(0); }
  std::int64_t width() const { return weight.size(1); }

  Parameter weight;  ///< [count, width]

 private:
  bool sparse_;
};

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
