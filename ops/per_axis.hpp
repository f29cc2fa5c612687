#pragma once
// Options of what moves a window over the spatial axes of [N, C, …]: convolution, pooling, unfolding.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <tapegrad/core/language.hpp>
#include <vector>

namespace tapegrad {

/// A number for each spatial axis, `{2, 1}`, or one for all of them, `2`.
class PerAxis {
 public:
  PerAxis() = default;  ///< none: what that means, the option says
  PerAxis(std::integral auto value) : values_{static_cast<std::int64_t>(value)} {}
  PerAxis(std::initializer_list<std::int64_t> values) : values_(values) {}
  PerAxis(std::vector<std::int64_t> values) : values_(std::move(values)) {}

  bool empty() const { return values_.empty(); }
  const std::vector<std::int64_t>& values() const { return values_; }

 private:
  std::vector<std::int64_t> values_;
};

}  // namespace tapegrad
