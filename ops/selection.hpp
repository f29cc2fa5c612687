#pragma once
// Indexing as in NumPy: x[1, 2:5, :, newaxis, ..., indices] is at(x, 1, Slice{2, 5}, Slice{}, newaxis, ellipsis,
// indices).
//
// elements() writes where at() reads:
//
//   elements(x, 1, Slice{2, 5}) = y;      // NumPy's x[1, 2:5] = y
//   elements(x, x < 0) += 1;
//
// As all changes in place (operator+= in ops/arithmetic.hpp): where nothing is recorded, memory is overwritten, and
// every handle and view of it sees that. Where the change is recorded, `x` becomes a new value and the old one stays
// with its other handles: gradients are right, of the values written and of the elements kept.

#include <concepts>
#include <span>
#include <tapegrad/op/operand.hpp>
#include <tapegrad/ops/view.hpp>
#include <variant>
#include <vector>

namespace tapegrad {

/// Stands in at() for all the axes that no other argument names.
struct Ellipsis {};
inline constexpr Ellipsis ellipsis{};
/// Puts an axis of extent 1 there.
struct NewAxis {};
inline constexpr NewAxis newaxis{};

/// One argument of at().
class Index {
 public:
  template <std::integral T>
  requires(!std::same_as<T, bool>) Index(T position) : value_(static_cast<std::int64_t>(position)) {}
  Index(const Slice& range) : value_(range) {}
  Index(Ellipsis e) : value_(e) {}
  Index(NewAxis n) : value_(n) {}
  /// i64 or i32: positions of one axis. bool: where it holds; covers as many axes as it has.
  Index(const Tensor& chosen) : value_(chosen) {}

  template <class T>
  const T* get() const {
    return std::get_if<T>(&value_);
  }

 private:
  std::variant<std::int64_t, Slice, Ellipsis, NewAxis, Tensor> value_;
};

/// The elements that `indices` name, axis by axis from the first; axes that none names stay whole. Integers (which drop
/// their axis), slices, newaxis and ellipsis give a view. Tensors of indices copy, and follow NumPy: several broadcast
/// together, and their axes stand where the first of them did, or in front when others come between them.
/// IndexError for a position outside its axis, ShapeError for a mask of another shape, ValueError for too many indices.
Tensor at(const Tensor& x, std::span<const Index> indices);
template <class... I>
requires(sizeof...(I) > 0 && (std::convertible_to<const I&, Index> && ...)) Tensor
    at(const Tensor& x, const I&... indices) {
  const Index list[] = {Index(indices)...};
  return at(x, std::span<const Index>(list));
}

/// The elements where `mask` (bool, broadcast to x) holds, as one axis.
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// x with `value` where `mask` (bool) holds; both broadcast.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value);

/// x with `value`, a number or a scalar, at the positions `indices` of one axis.
Tensor index_fill(const Tensor& x, int axis, const Tensor& indices, const Operand& value);
/// x with y, which broadcasts to them, as the elements that at(x, indices) has; or, where `accumulate`, with y added to
/// them. Of an element named twice the last value stands, or all add up. As elements(x, indices) = y, for a new tensor.
Tensor index_put(const Tensor& x, const std::vector<Index>& indices, const Operand& y, bool accumulate = false);

/// Indices of the elements that are not zero, i64 [n, rank], in row-major order.
Tensor nonzero(const Tensor& x);
/// Their positions in the flattened tensor, i64 [n].
Tensor flatnonzero(const Tensor& x);

/// 1 at each id of a new last axis of `classes`, 0 elsewhere. IndexError for an id outside [0, classes).
Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype = f32);
/// How often each of 0, 1, … occurs in `ids`: i64, at least `min_length` of them. IndexError for a negative id.
Tensor bincount(const Tensor& ids, std::int64_t min_length = 0);
/// The sum of the weights of each id's occurrences; differentiable in them.
Tensor bincount(const Tensor& ids, const Tensor& weights, std::int64_t min_length = 0);

/// Some elements of `x`, to be written to at once. What is written broadcasts to the shape that at() has for the same
/// indices (ShapeError), and takes x's dtype (DTypeError for floats into integers). Of an element named twice the last
/// value stays. GraphError for a parameter while recording. Undefined, or with bad indices, as at().
class Elements {
 public:
  Elements(Tensor& x, std::vector<Index> indices) : x_(x), indices_(std::move(indices)) {}
  Elements(const Elements&) = delete;

  void operator=(const Operand& y) && { assign("elements", y); }
  void operator=(const Elements& y) && { assign("elements", y.value()); }
  void operator+=(const Operand& y) &&;
  void operator-=(const Operand& y) &&;
  void operator*=(const Operand& y) &&;
  void operator/=(const Operand& y) &&;

 private:
  Tensor value() const { return at(x_, indices_); }
  void assign(const char* name, const Operand& y);

  Tensor& x_;
  std::vector<Index> indices_;
};

template <class... I>
requires(sizeof...(I) > 0 && (std::convertible_to<const I&, Index> && ...)) Elements
    elements(Tensor& x, const I&... indices) {
  return Elements(x, {Index(indices)...});
}

}  // namespace tapegrad
