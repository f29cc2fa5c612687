#pragma once
// Tensors on the memory of Eigen matrices, and the other way round, without copies. Rows stay rows and columns stay
// columns whatever the storage order: a column-major matrix becomes a tensor whose strides say so. Needs Eigen 3.4 or
// later; the rest of the library does not show it.

#include <Eigen/Core>
#include <algorithm>
#include <memory>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <type_traits>
#include <utility>

namespace tapegrad {

/// A matrix or array whose elements lie in memory: not an expression like a + b.
template <class M>
concept EigenInMemory = std::derived_from<M, Eigen::DenseBase<M>> && requires(M& m) {
  { m.data() } -> std::convertible_to<const typename M::Scalar*>;
  m.outerStride();
};

/// How as_eigen shows a tensor: a matrix with a step for each axis.
template <class T>
using EigenView = Eigen::Map<Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>,
                             Eigen::Unaligned, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;
template <class T>
using EigenConstView = Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>,
                                  Eigen::Unaligned, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;

namespace detail {

template <class M>
Shape eigen_shape(const M& m) {
  if constexpr (M::IsVectorAtCompileTime)
    return Shape{m.size()};
  else
    return Shape{m.rows(), m.cols()};
}

/// A tensor on m's memory, which `owner` keeps alive, or the caller.
template <class M>
Tensor on_eigen(M& m, std::shared_ptr<void> owner) {
  using T = typename M::Scalar;
  static_assert(is_element_type<T>, "the matrix's elements are of a type that tensors do not have");
  const Eigen::Index rows = m.rows(), columns = m.cols();
  const Eigen::Index row_step = M::IsRowMajor ? m.outerStride() : m.innerStride();
  const Eigen::Index column_step = M::IsRowMajor ? m.innerStride() : m.outerStride();
  const Shape shape = eigen_shape(m);
  const Eigen::Index reach = m.size() == 0 ? 0 : 1 + (rows - 1) * row_step + (columns - 1) * column_step;
  constexpr auto access = std::is_const_v<std::remove_pointer_t<decltype(m.data())>> ? Access::read : Access::write;
  const Tensor flat = wrap(m.data(), Shape{reach}, dtype_of<T>(), access, std::move(owner));
  Strides strides{row_step, column_step};
  if constexpr (M::IsVectorAtCompileTime) strides[0] = columns == 1 ? row_step : column_step;
  return make_view(flat, shape, &strides, 0);
}

/// Checks that a tensor can be seen as a matrix of T; its extents and steps.
struct EigenLayout {
  Eigen::Index rows = 1, columns = 1, row_step = 1, column_step = 1;
};
inline EigenLayout eigen_layout(const Tensor& t, DType wanted) {
  if (t.dtype() != wanted)
    throw DTypeError("as_eigen: " + describe(t) + " was asked for as " + std::string(name_of(wanted)) +
                     "; use the element type of its dtype, or cast() it");
  if (t.row_sparse()) throw ValueError("as_eigen: " + describe(t) + " is row-sparse; call to_dense() first");
  if (t.rank() > 2)
    throw ShapeError("as_eigen: " + describe(t) + " has more than two axes; reshape() or select() it first");
  const Strides steps = t.strides();
  EigenLayout layout;
  if (t.rank() > 0) layout.rows = t.shape()[0], layout.row_step = steps[0];
  if (t.rank() > 1) layout.columns = t.shape()[1], layout.column_step = steps[1];
  if (layout.row_step < 0 || layout.column_step < 0)
    throw ShapeError("as_eigen: " + describe(t) + " is a view that runs backwards; call contiguous() first");
  return layout;
}

}  // namespace detail

/// A tensor on the matrix's own memory. Vectors have one axis. The matrix must outlive every tensor that shares it and
/// not be resized meanwhile; what is written through it is not counted as a change in place.
template <class M>
requires(EigenInMemory<M> && !std::is_const_v<M>) Tensor wrap(M& matrix) { return detail::on_eigen(matrix, nullptr); }

/// Takes the matrix over; its elements are not copied (but for fixed sizes, which lie inside the object).
template <class M>
requires(EigenInMemory<M> && !std::is_reference_v<M>) Tensor wrap(M&& matrix) {
  auto owner = std::make_shared<M>(std::forward<M>(matrix));
  M& held = *owner;
  return detail::on_eigen(held, std::move(owner));
}

/// A row-major copy of a matrix, array or expression.
template <class D>
Tensor copy_of(const Eigen::DenseBase<D>& expression) {
  using T = typename D::Scalar;
  static_assert(is_element_type<T>, "the matrix's elements are of a type that tensors do not have");
  Tensor t = empty(detail::eigen_shape(expression.derived()), dtype_of<T>());
  Eigen::Map<Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
      t.template mutable_data<T>().data(), expression.rows(), expression.cols()) = expression.derived().array();
  return t;
}

/// The tensor's own elements as a matrix, while the tensor lives. A tensor of one axis is one column, of none 1 × 1.
/// DTypeError when T is not the dtype's type, ShapeError beyond two axes or for views that run backwards.
template <class T>
EigenConstView<T> as_eigen(const Tensor& tensor) {
  const detail::EigenLayout l = detail::eigen_layout(tensor, dtype_of<T>());
  return {reinterpret_cast<const T*>(engine::node_of(tensor).data), l.rows, l.columns, {l.row_step, l.column_step}};
}

/// Of a temporary the matrix would outlive the elements: give the tensor a name first.
template <class T>
void as_eigen(const Tensor&& tensor) = delete;

/// As as_eigen, to be written to. Counts as a change in place, as Tensor::mutable_data does. ShapeError for views in
/// which elements share memory.
template <class T>
EigenView<T> as_mutable_eigen(Tensor& tensor) {
  const detail::EigenLayout l = detail::eigen_layout(tensor, dtype_of<T>());
  if ((l.rows > 1 && l.row_step == 0) || (l.columns > 1 && l.column_step == 0))
    throw ShapeError("as_mutable_eigen: " + describe(tensor) + " is a broadcast view; call contiguous() first");
  tensor.begin_change("as_mutable_eigen");
  return {reinterpret_cast<T*>(engine::node_of(tensor).data), l.rows, l.columns, {l.row_step, l.column_step}};
}

}  // namespace tapegrad
