#pragma once
// Tensors from numbers and from memory.

#include <initializer_list>
#include <memory>
#include <tapegrad/core/tensor.hpp>
#include <type_traits>

namespace tapegrad {

Tensor zeros(const Shape& shape, DType dtype = f32);
Tensor ones(const Shape& shape, DType dtype = f32);
Tensor full(const Shape& shape, double value, DType dtype = f32);
Tensor zeros_like(const Tensor& t);
Tensor ones_like(const Tensor& t);

/// 0, 1, … n-1; or start, start + step, … below stop.
Tensor arange(std::int64_t n, DType dtype = i64);
Tensor arange(double start, double stop, double step, DType dtype = f32);
/// `count` values from first to last, both included.
Tensor linspace(double first, double last, std::int64_t count, DType dtype = f32);
/// The n × n identity.
Tensor eye(std::int64_t n, DType dtype = f32);

/// A scalar.
Tensor scalar(double value, DType dtype = f32);
/// Values in row-major order; the shape defaults to one axis. ShapeError when the count differs from the shape's.
Tensor tensor(std::initializer_list<double> values, DType dtype = f32);
Tensor tensor(std::initializer_list<double> values, const Shape& shape, DType dtype = f32);

/// A copy of `values`, of their type's dtype.
template <class T>
Tensor copy_of(std::span<const T> values, const Shape& shape);

namespace detail {
Tensor wrap(void* data, const Shape& shape, DType dtype, std::shared_ptr<void> owner);
void check_count(std::size_t count, const Shape& shape);
}  // namespace detail

/// A tensor on the caller's own row-major memory, without a copy. The memory must outlive every tensor that shares it,
/// unless `owner` keeps it alive.
template <class T>
requires is_element_type<T> Tensor wrap(std::span<T> values, const Shape& shape,
                                        std::shared_ptr<void> owner = nullptr) {
  detail::check_count(values.size(), shape);
  return detail::wrap(values.data(), shape, dtype_of<T>(), std::move(owner));
}

template <class T>
Tensor copy_of(std::span<const T> values, const Shape& shape) {
  detail::check_count(values.size(), shape);
  Tensor t = empty(shape, dtype_of<T>());
  std::copy(values.begin(), values.end(), t.mutable_data<T>().begin());
  return t;
}
template <class T>
Tensor copy_of(const std::vector<T>& values) {
  return copy_of(std::span<const T>(values), Shape{static_cast<std::int64_t>(values.size())});
}

}  // namespace tapegrad
