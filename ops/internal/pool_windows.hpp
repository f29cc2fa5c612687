#pragma once
// Where the windows of pooling stand.

#include <tapegrad/op/attributes.hpp>
#include <tapegrad/ops/kernels/axis_map.hpp>
#include <tapegrad/ops/kernels/max_pool.hpp>
#include <tuple>
#include <vector>

namespace tapegrad {

/// Windows of one size.
struct PoolAttrs {
  Integers kernel_size = {}, stride = {}, padding = {};
  bool ceil_mode = false;
  bool operator==(const PoolAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"kernel_size", &PoolAttrs::kernel_size, "extents of the window"},
                      Field{"stride", &PoolAttrs::stride, "step of the window; none means its extents"},
                      Field{"padding", &PoolAttrs::padding, "elements before and behind each axis; none means 0"},
                      Field{"ceil_mode", &PoolAttrs::ceil_mode, "a last window that reaches past the end counts too"}};
  }
};

struct MaxPoolAttrs : PoolAttrs {
  Integers dilation = {};
  bool operator==(const MaxPoolAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple_cat(PoolAttrs::fields(), std::tuple{Field{"dilation", &MaxPoolAttrs::dilation,
                                                                "distance of a window's elements; none means 1"}});
  }
};

struct AvgPoolAttrs : PoolAttrs {
  bool count_include_pad = true;
  bool operator==(const AvgPoolAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple_cat(PoolAttrs::fields(), std::tuple{Field{"count_include_pad", &AvgPoolAttrs::count_include_pad,
                                                                "whether padding counts in the mean"}});
  }
};

/// Windows that divide the input.
struct AdaptiveAttrs {
  Integers output_size = {};
  bool operator==(const AdaptiveAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"output_size", &AdaptiveAttrs::output_size, "parts that each axis is divided into"}};
  }
};

/// What the pooling of x [N, C, …] has. ValueError and ShapeError for attributes that do not fit x.
Shape pooled_shape(const char* op, const MaxPoolAttrs& a, const Shape& x);
Shape pooled_shape(const char* op, const AvgPoolAttrs& a, const Shape& x);
Shape pooled_shape(const char* op, const AdaptiveAttrs& a, const Shape& x);

/// The same errors, and ShapeError for a window that has no element of x.
kernels::PoolWindows max_windows(const char* op, const MaxPoolAttrs& a, const Shape& x);
kernels::PoolWindows max_windows(const char* op, const AdaptiveAttrs& a, const Shape& x);

/// Along each axis, the mean over each window.
std::vector<kernels::AxisMap> mean_maps(const char* op, const AvgPoolAttrs& a, const Shape& x);
std::vector<kernels::AxisMap> mean_maps(const char* op, const AdaptiveAttrs& a, const Shape& x);

}  // namespace tapegrad
