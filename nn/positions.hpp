#pragma once
// Positions in a sequence, told to models that would not know them.

#include <tapegrad/nn/init.hpp>
#include <tapegrad/nn/layer.hpp>

namespace tapegrad::nn {

/// x [B, L, width] plus sines and cosines of the positions `first`, first + 1, … (Vaswani et al. 2017): of any length,
/// nothing to learn.
class SinusoidalPositions : public Layer<SinusoidalPositions> {
 public:
  using Layer::Layer;
  /// ShapeError unless x has three axes, the last one of an even extent.
  Tensor forward(const Tensor& x, std::int64_t first = 0) const;
};

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

}  // namespace tapegrad::nn
