#pragma once
// Rules whose squares or quotients could leave the range of the dtype although their results do not: powers of two,
// which are exact, then bring their operands near 1.

#include <tapegrad/ops/reduce.hpp>

namespace tapegrad::internal {

/// Whether a 0 may be a number that is too small.
enum class Zeros { exact, rounded };
/// Whether all elements are 0, if zeros are exact, or far from the ends of the range: squares of them, and quotients of
/// two, stay inside.
bool is_moderate(const Tensor& t, Zeros zeros = Zeros::exact);
/// t, or t in f64 if it is of f32 and products of n elements may leave the range.
Tensor in_range_of_products(const Tensor& t, std::int64_t n);
/// Whether sums of products of any two elements stay inside.
bool is_far_from_infinity(const Tensor& t);

/// For each group of elements along `axes` a power of two that brings the largest magnitude near 1, with extent 1 for
/// those axes; 1 where that is 0 or not finite. `least`: a magnitude that counts as an element of each group. Has no
/// gradient.
Tensor scale_to_one(const Tensor& x, const Axes& axes, double least = 0);

}  // namespace tapegrad::internal
