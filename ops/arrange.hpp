#pragma once
// Elements in another arrangement: split, flipped, rolled, repeated, padded. Those that say "views" copy nothing.
// Tensors joined into one.
//
// Triangles and diagonals of matrices; axes in front are a batch. Diagonal k is above the main one where k > 0.

#include <span>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad {

/// Views of `size` positions of an axis each; the last one has what is left.
std::vector<Tensor> split(const Tensor& x, std::int64_t size, int axis = 0);
/// Views of the given sizes, which add up to the axis' extent (ShapeError).
std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int axis = 0);
/// At most `count` views of equal size; the last one may be smaller.
std::vector<Tensor> chunk(const Tensor& x, std::int64_t count, int axis = 0);

/// A view of each position of an axis, which goes away.
std::vector<Tensor> unbind(const Tensor& x, int axis = 0);

/// A view with all axes reversed, or those given; an empty list reverses none.
Tensor flip(const Tensor& x);
Tensor flip(const Tensor& x, const std::vector<int>& axes);
/// A view turned by `quarters` · 90 degrees from axis `first` towards axis `second`.
Tensor rot90(const Tensor& x, std::int64_t quarters = 1, int first = 0, int second = 1);
/// A view with axis from[i] at place to[i]; the others keep their order (NumPy's moveaxis).
Tensor movedim(const Tensor& x, const std::vector<int>& from, const std::vector<int>& to);
Tensor movedim(const Tensor& x, int from, int to);
/// Positions moved by `shift` along an axis; those that leave at one end enter at the other.
Tensor roll(const Tensor& x, std::int64_t shift, int axis = 0);

/// x side by side repeats[i] times along axis i; axes are added in front where `repeats` is longer.
Tensor tile(const Tensor& x, const std::vector<std::int64_t>& repeats);
/// Each position of an axis `count` times in a row.
Tensor repeat(const Tensor& x, std::int64_t count, int axis);
/// A view: as broadcast_to, where -1 keeps an extent.
Tensor expand(const Tensor& x, const std::vector<std::int64_t>& shape);
/// Views of n one-axis tensors in the shape of their grid: x[i] varies along axis i.
std::vector<Tensor> meshgrid(std::span<const Tensor> tensors);
std::vector<Tensor> meshgrid(std::initializer_list<Tensor> tensors);

enum class PadMode : std::uint8_t {
  constant,
  reflect,    ///< mirrored at the edge element, which is not repeated: c b | a b c | b a
  replicate,  ///< the edge element: a a | a b c | c c
  circular    ///< the other end's elements: b c | a b c | a b
};
/// Positions added before and after an axis; negative ones are cut off.
struct Pad {
  std::int64_t before = 0, after = 0;
};
/// x with its last axes padded, `pads[i]` for the i-th of them. `value` is for PadMode::constant.
Tensor pad(const Tensor& x, const std::vector<Pad>& pads, PadMode mode = PadMode::constant, double value = 0);

/// One after the other along an axis that exists; the other extents are equal.
Tensor concat(std::span<const Tensor> tensors, int axis = 0);
Tensor concat(std::initializer_list<Tensor> tensors, int axis = 0);
/// Side by side along a new axis; the shapes are equal.
Tensor stack(std::span<const Tensor> tensors, int axis = 0);
Tensor stack(std::initializer_list<Tensor> tensors, int axis = 0);
/// Joined left to right (columns after columns), top to bottom, and front to back, as in NumPy: along axis 1, 0 and 2.
/// A vector is a row to vstack(), [1, n, 1] to dstack(), and joined along its only axis by hstack().
Tensor hstack(std::span<const Tensor> tensors);
Tensor hstack(std::initializer_list<Tensor> tensors);
Tensor vstack(std::span<const Tensor> tensors);
Tensor vstack(std::initializer_list<Tensor> tensors);
Tensor dstack(std::span<const Tensor> tensors);
Tensor dstack(std::initializer_list<Tensor> tensors);

/// The elements on and below diagonal `k`, zeros above.
Tensor tril(const Tensor& x, std::int64_t k = 0);
/// The elements on and above diagonal `k`, zeros below.
Tensor triu(const Tensor& x, std::int64_t k = 0);

/// A view of diagonal `k` between two axes, which go away; it becomes the last axis.
Tensor diagonal(const Tensor& x, std::int64_t k = 0, int row_axis = -2, int column_axis = -1);
/// Square matrices with the last axis of x on diagonal `k`, zeros elsewhere.
Tensor diag_embed(const Tensor& x, std::int64_t k = 0);
/// Of a vector, the matrix that has it on diagonal `k`; of a matrix, that diagonal.
Tensor diag(const Tensor& x, std::int64_t k = 0);
/// The sum of the main diagonal.
Tensor trace(const Tensor& x);

}  // namespace tapegrad
