#pragma once
// What ops say of their accuracy where no bound holds.

#include <limits>

namespace tapegrad::internal {

/// Accuracy::ulps of an op whose results have no bound over the whole range of its dtype; Accuracy::reason says where
/// they have none. The range test leaves it out, and its documentation says so.
inline constexpr double kNoBound = std::numeric_limits<double>::infinity();

}  // namespace tapegrad::internal
