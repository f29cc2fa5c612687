#pragma once
// Writing to some elements of a tensor, where at() of ops/selection.hpp reads them:
//
//   elements(x, 1, Slice{2, 5}) = y;      // NumPy's x[1, 2:5] = y
//   elements(x, x < 0) += 1;
//
// As all changes in place (ops/in_place.hpp): where nothing is recorded, memory is overwritten, and every handle and
// view of it sees that. Where the change is recorded, `x` becomes a new value and the old one stays with its other
// handles: gradients are right, of the values written and of the elements kept.

#include <tapegrad/op/operand.hpp>
#include <tapegrad/ops/selection.hpp>
#include <vector>

namespace tapegrad {

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
