#pragma once
// What kind of mistake a wrong gradient looks like.

#include <string>
#include <tapegrad/core/shape.hpp>
#include <vector>

namespace tapegrad::testing::internal {

/// The gradient of one input, all of it, as it was computed and as it should be.
struct WrongGradient {
  std::string input;
  Shape shape;
  std::vector<double> analytic, numeric;
  double tolerance = 0;     ///< absolute and relative
  bool some_zero = false;   ///< of some elements the derivatives are zero in part and else right;
  bool some_other = false;  ///< there are others that are wrong
};

/// "input 0: every derivative is 0.5 times what it should be: …"; empty if it looks like no mistake that is known.
std::string diagnosis(const WrongGradient& wrong);

}  // namespace tapegrad::testing::internal
