#include <algorithm>
#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>

namespace tapegrad {

Tensor full(const Shape& shape, double value, DType dtype) {
  Tensor t = empty(shape, dtype);
  t.fill(value);
  return t;
}

Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor zeros_like(const Tensor& t) { return zeros(t.shape(), t.dtype()); }
Tensor ones_like(const Tensor& t) { return ones(t.shape(), t.dtype()); }
Tensor scalar(double value, DType dtype) { return full({}, value, dtype); }

namespace {

// values[i] = first + i * step
Tensor ramp(double first, double step, std::int64_t count, DType dtype) {
  Tensor t = empty({count}, dtype);
  dispatch(dtype, [&]<class T>() {
    double i = 0;
    for (T& v : t.mutable_data<T>()) v = static_cast<T>(first + step * i++);
  });
  return t;
}

}  // namespace

Tensor arange(std::int64_t n, DType dtype) {
  if (n < 0) throw ValueError("arange: a length of " + std::to_string(n) + "; it must be zero or more");
  return ramp(0, 1, n, dtype);
}

Tensor arange(double start, double stop, double step, DType dtype) {
  const double count = std::ceil((stop - start) / step);
  if (!(step != 0 && std::isfinite(count) && count < 1e15))
    throw ValueError("arange: from " + std::to_string(start) + " to " + std::to_string(stop) + " by " +
                     std::to_string(step) + " has no finite length; the step must lead from start to stop");
  return ramp(start, step, count > 0 ? static_cast<std::int64_t>(count) : 0, dtype);
}

Tensor linspace(double first, double last, std::int64_t count, DType dtype) {
  if (count < 0) throw ValueError("linspace: a count of " + std::to_string(count) + "; it must be zero or more");
  Tensor t = ramp(first, count > 1 ? (last - first) / static_cast<double>(count - 1) : 0, count, dtype);
  if (count > 1) dispatch(dtype, [&]<class T>() { t.mutable_data<T>().back() = static_cast<T>(last); });
  return t;
}

Tensor eye(std::int64_t n, DType dtype) {
  Tensor t = zeros({n, n}, dtype);
  dispatch(dtype, [&]<class T>() {
    const auto values = t.mutable_data<T>();
    for (std::size_t i = 0; i < values.size(); i += static_cast<std::size_t>(n) + 1) values[i] = T{1};
  });
  return t;
}

Shape Numbers::shape() const {
  if (is_number_) return {};
  if (parts_.empty()) return Shape{static_cast<std::int64_t>(row_.size())};
  const Shape part = parts_[0].shape();
  for (std::size_t i = 1; i < parts_.size(); ++i)
    if (const Shape other = parts_[i].shape(); other != part)
      throw ShapeError("tensor: the parts in braces differ: number 0 has shape " + to_string(part) + ", number " +
                       std::to_string(i) + " " + to_string(other) + "; each must have as many numbers as the others");
  return part.insert(0, static_cast<std::int64_t>(parts_.size()));
}

void Numbers::collect(std::vector<double>& into) const {
  if (is_number_) into.push_back(number_);
  for (const Numbers& part : parts_) part.collect(into);
  into.insert(into.end(), row_.begin(), row_.end());
}

namespace {

Tensor from_numbers(const Numbers& values, const Shape& shape, DType dtype) {
  std::vector<double> flat;
  values.collect(flat);
  detail::check_count(flat.size(), shape);
  Tensor t = empty(shape, dtype);
  dispatch(dtype, [&]<class T>() {
    std::ranges::transform(flat, t.mutable_data<T>().begin(), [](double v) { return static_cast<T>(v); });
  });
  return t;
}

}  // namespace

Tensor tensor(const Numbers& values, DType dtype) { return from_numbers(values, values.shape(), dtype); }

Tensor tensor(const Numbers& values, const Shape& shape, DType dtype) {
  if (const Shape given = values.shape(); given.rank() > 1)
    throw ShapeError("tensor: numbers of shape " + to_string(given) + " for a tensor of shape " + to_string(shape) +
                     "; give one list of numbers, or leave the shape out");
  return from_numbers(values, shape, dtype);
}

namespace detail {

void check_count(std::size_t count, const Shape& shape) {
  if (static_cast<std::int64_t>(count) != shape.numel())
    throw ShapeError("a tensor of shape " + to_string(shape) + " needs " + std::to_string(shape.numel()) +
                     " values, got " + std::to_string(count));
}

Tensor wrap(const void* data, const Shape& shape, DType dtype, Access access, std::shared_ptr<void> owner) {
  Node* node = Node::create(shape, dtype);
  Tensor t = engine::adopt(node);
  auto* bytes = static_cast<std::byte*>(const_cast<void*>(data));
  node->storage = Storage::borrow(bytes, static_cast<std::size_t>(shape.numel()) * size_of(dtype),
                                  access == Access::read, std::move(owner));
  node->data = node->storage->data();
  return t;
}

}  // namespace detail
}  // namespace tapegrad
