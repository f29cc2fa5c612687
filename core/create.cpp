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

Tensor tensor(std::initializer_list<double> values, const Shape& shape, DType dtype) {
  detail::check_count(values.size(), shape);
  Tensor t = empty(shape, dtype);
  dispatch(dtype, [&]<class T>() {
    std::size_t i = 0;
    const auto to = t.mutable_data<T>();
    for (const double v : values) to[i++] = static_cast<T>(v);
  });
  return t;
}

Tensor tensor(std::initializer_list<double> values, DType dtype) {
  return tensor(values, Shape{static_cast<std::int64_t>(values.size())}, dtype);
}

namespace detail {

void check_count(std::size_t count, const Shape& shape) {
  if (static_cast<std::int64_t>(count) != shape.numel())
    throw ShapeError("a tensor of shape " + to_string(shape) + " needs " + std::to_string(shape.numel()) +
                     " values, got " + std::to_string(count));
}

Tensor wrap(void* data, const Shape& shape, DType dtype, std::shared_ptr<void> owner) {
  Node* node = Node::create(shape, dtype);
  Tensor t = engine::adopt(node);
  node->storage = Storage::borrow(static_cast<std::byte*>(data),
                                  static_cast<std::size_t>(shape.numel()) * size_of(dtype), std::move(owner));
  node->data = node->storage->data();
  return t;
}

}  // namespace detail
}  // namespace tapegrad
