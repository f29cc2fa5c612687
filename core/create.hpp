#pragma once
// Tensors from numbers and from memory.

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <memory>
#include <span>
#include <tapegrad/core/tensor.hpp>
#include <type_traits>
#include <vector>

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

/// A number, or a list of them in braces, nested as a tensor's axes are: {{1, 2}, {3, 4}}. For arguments only: it
/// refers to the numbers.
class Numbers {
 public:
  constexpr Numbers(double number) : number_(number), is_number_(true) {}
  constexpr Numbers(std::initializer_list<Numbers> parts) : parts_(parts.begin(), parts.size()) {}
  // A template, so that what stands in braces is never read as one list: {{1}, {2}} has two axes.
  template <std::same_as<std::initializer_list<double>> List>
  constexpr Numbers(const List& row) : row_(row.begin(), row.size()) {}

  bool is_number() const { return is_number_; }
  /// The extents; ShapeError if parts that stand side by side differ in theirs.
  Shape shape() const;
  /// Appends the numbers in row-major order.
  void collect(std::vector<double>& into) const;

 private:
  double number_ = 0;
  bool is_number_ = false;
  std::span<const Numbers> parts_;
  std::span<const double> row_;
};

/// tensor({1, 2, 3}), tensor({{1, 2}, {3, 4}}, f64).
Tensor tensor(const Numbers& values, DType dtype = f32);
/// One list, in row-major order, as a tensor of `shape`. ShapeError when the count differs from the shape's.
Tensor tensor(const Numbers& values, const Shape& shape, DType dtype = f32);

namespace detail {
enum class Access : bool { read, write };
Tensor wrap(const void* data, const Shape& shape, DType dtype, Access access, std::shared_ptr<void> owner);
void check_count(std::size_t count, const Shape& shape);
template <class Values>
Tensor copied(const Values& values, const Shape& shape) {
  using T = typename Values::value_type;
  static_assert(is_element_type<T>, "the values are of a type that tensors do not have");
  check_count(values.size(), shape);
  Tensor t = empty(shape, dtype_of<T>());
  std::copy(values.begin(), values.end(), t.mutable_data<T>().begin());
  return t;
}
}  // namespace detail

/// A tensor on the caller's own row-major memory, without a copy. The memory must outlive every tensor that shares it,
/// unless `owner` keeps it alive. Of const memory nothing is changed: what writes into the tensor is a ValueError.
template <class T>
requires is_element_type<std::remove_const_t<T>> Tensor wrap(std::span<T> values, const Shape& shape,
                                                             std::shared_ptr<void> owner = nullptr) {
  detail::check_count(values.size(), shape);
  constexpr auto access = std::is_const_v<T> ? detail::Access::read : detail::Access::write;
  return detail::wrap(values.data(), shape, dtype_of<T>(), access, std::move(owner));
}

/// A copy of `values`, in row-major order, of their type's dtype.
template <class T>
Tensor copy_of(std::span<const T> values, const Shape& shape) {
  return detail::copied(values, shape);
}
template <class T>
Tensor copy_of(const std::vector<T>& values, const Shape& shape) {
  return detail::copied(values, shape);
}
template <class T>
Tensor copy_of(const std::vector<T>& values) {
  return detail::copied(values, Shape{static_cast<std::int64_t>(values.size())});
}

/// The same by the name that one looks for first; converted, if a dtype is named.
template <class T>
Tensor tensor(const std::vector<T>& values) {
  return copy_of(values);
}
template <class T>
Tensor tensor(const std::vector<T>& values, DType dtype) {
  Tensor converted = empty({static_cast<std::int64_t>(values.size())}, dtype);
  converted.copy_from(copy_of(values));
  return converted;
}

}  // namespace tapegrad
