#pragma once
// Numeric derivatives of several functions at once along one line.

#include <functional>
#include <vector>

namespace tapegrad::testing::internal {

struct Slope {
  double value = 0;            ///< best estimate; NaN when no two-sided difference was finite
  double error = 0;            ///< how far it is from its neighbours in the extrapolation
  double left = 0, right = 0;  ///< one-sided, at the smallest step
  bool kink = false;
};

struct SweepSteps {
  double first = 0;  ///< halved from here on
  int count = 0;
  double epsilon = 0;                 ///< relative rounding error of the values,
  double magnitude = 0;               ///< which came from numbers of this size
  double absolute = 0, relative = 0;  ///< stop when all estimates are this sure
};

/// Slopes of t -> at(t) at 0.
std::vector<Slope> measure_slopes(const std::function<std::vector<double>(double t)>& at,
                                  const std::vector<double>& middle, const SweepSteps& steps);

}  // namespace tapegrad::testing::internal
