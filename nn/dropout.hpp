#pragma once
// Dropout.

#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/module.hpp>

namespace tapegrad::nn {

/// While training, sets each element to 0 with probability `rate` and scales the others by 1 / (1 - rate); in use, the
/// identity. Draws from this thread's default_rng().
class Dropout : public Layer<Dropout> {
 public:
  /// ValueError unless the rate lies in [0, 1).
  Dropout(Owner owner, const MemberName& name, double rate);
  explicit Dropout(double rate) : Dropout(kNoOwner, "", rate) {}

  Tensor forward(const Tensor& x) const;
  double rate() const { return rate_; }

 private:
  double rate_;
};

/// The same for whole channels: x [B, C, …] keeps or loses each of its B · C maps as one (Tompson et al. 2015).
class Dropout2d : public Layer<Dropout2d> {
 public:
  /// ValueError unless the rate lies in [0, 1).
  Dropout2d(Owner owner, const MemberName& name, double rate);
  explicit Dropout2d(double rate) : Dropout2d(kNoOwner, "", rate) {}

  /// ShapeError if x has no channels.
  Tensor forward(const Tensor& x) const;
  double rate() const { return rate_; }

 private:
  double rate_;
};

}  // namespace tapegrad::nn
