#pragma once
// Whether a loss has run away without becoming infinite.

#include <algorithm>

namespace tapegrad::train {

/// Follows a loss, batch by batch. It has run away once the mean of the last ten or so is ten times what it was to
/// begin with: by far worse than knowing nothing, which noise, warm-up and rare outliers do not reach.
class DivergenceWatch {
 public:
  /// True once, at the first batch by which it has. `first_epoch`: the first epoch's mean, where it is over; a training
  /// that is taken up again begins with a lower loss than it once did.
  bool update(double loss, double first_epoch) {
    if (!begun_) start_ = recent_ = loss;
    begun_ = true;
    recent_ += (loss - recent_) / kWindow;
    // A loss that may be negative has no scale to compare with.
    if (seen_ || start_ <= 0 || recent_ <= kFactor * std::max(start_, first_epoch)) return false;
    return seen_ = true;
  }
  double start() const { return start_; }
  double recent() const { return recent_; }

 private:
  static constexpr double kWindow = 10, kFactor = 10;
  double start_ = 0, recent_ = 0;
  bool begun_ = false, seen_ = false;
};

}  // namespace tapegrad::train
