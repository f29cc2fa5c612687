#include <algorithm>
#include <concepts>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/node_extra.hpp>
#include <tapegrad/core/internal/row_sparse.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/core/trace.hpp>

namespace tapegrad {
namespace {

/// A view of `t` in a shape that it broadcasts to.
Tensor repeated(const Tensor& t, const Shape& shape) {
  if (t.shape() == shape) return t;
  const Strides own = t.strides();
  Strides strides{};
  const int lead = shape.rank() - t.rank();
  for (int axis = 0; axis < t.rank(); ++axis)
    if (t.shape()[axis] != 1)
      strides[static_cast<std::size_t>(axis) + static_cast<std::size_t>(lead)] = own[static_cast<std::size_t>(axis)];
  return make_view(t, shape, &strides, 0);
}

/// Truncated; beyond To's range the nearest of it, and 0 for NaN: C++ leaves those open.
template <class To, class From>
To truncated(From v) {
  constexpr From kEnd = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * 2;
  if (!(v > static_cast<From>(std::numeric_limits<To>::min()))) return v == v ? std::numeric_limits<To>::min() : To{0};
  return v < kEnd ? static_cast<To>(v) : std::numeric_limits<To>::max();
}

/// Both dense and of one shape.
void convert(const Tensor& source, Tensor& target) {
  dispatch(target.dtype(), [&]<class To>() {
    const auto to = target.mutable_data<To>();
    dispatch(source.dtype(), [&]<class From>() {
      const auto from = source.data<From>();
      for (std::size_t i = 0; i < to.size(); ++i) {
        if constexpr (std::floating_point<From> && std::integral<To> && !std::same_as<To, bool>)
          to[i] = truncated<To>(from[i]);
        else
          to[i] = static_cast<To>(from[i]);
      }
    });
  });
}

}  // namespace

void Tensor::throw_undefined() {
  throw ValueError("an undefined Tensor was used; assign it a value first (a gradient is undefined before backward())");
}

std::int64_t Tensor::size(int axis) const { return shape()[normalized_axis("size", axis, rank())]; }

Strides Tensor::strides() const { return node().strides ? *node().strides : row_major_strides(shape()); }

const std::byte* Tensor::checked_data(DType wanted) const {
  const Node& n = node();
  if (n.dtype != wanted)
    throw DTypeError("data: " + describe(n) + " was read as " + std::string(name_of(wanted)) +
                     "; use the element type of its dtype, or cast() it");
  if (!n.storage) throw ValueError("data: " + describe(n) + " is row-sparse; call to_dense() first");
  if (!n.contiguous()) throw ShapeError("data: " + describe(n) + " is a strided view; call contiguous() first");
  return n.data;
}

std::vector<double> Tensor::values() const {
  const Tensor dense = to_dense().contiguous();
  std::vector<double> result(static_cast<std::size_t>(numel()));
  dispatch(dtype(), [&]<class T>() {
    const auto from = dense.data<T>();
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<double>(from[i]);
  });
  return result;
}

double Tensor::item() const {
  if (numel() != 1)
    throw ShapeError("item: " + describe(*this) + " has " + std::to_string(numel()) +
                     " elements, not one; use values()");
  return values()[0];
}

double Tensor::at(std::initializer_list<std::int64_t> index) const {
  if (static_cast<int>(index.size()) != rank())
    throw IndexError("at: " + std::to_string(index.size()) + " indices for " + describe(*this));
  const Strides step = strides();
  std::int64_t offset = 0;
  int axis = 0;
  for (std::int64_t i : index) {
    if (i < -shape()[axis] || i >= shape()[axis])
      throw IndexError("at: index " + std::to_string(i) + " on axis " + std::to_string(axis) + " is outside " +
                       describe(*this));
    offset += (i < 0 ? i + shape()[axis] : i) * step[static_cast<std::size_t>(axis)];
    ++axis;
  }
  return make_view(to_dense(), Shape{}, nullptr, offset).item();
}

Tensor& Tensor::set_requires_grad(bool on) {
  Node& n = node();
  if (!n.is_leaf()) throw GraphError("set_requires_grad: " + describe(n) + " was computed; use detach() to get a leaf");
  if (on && !is_floating(n.dtype))
    throw DTypeError("set_requires_grad: " + describe(n) + " has no gradient; only f32 and f64 do");
  n.requires_grad = on;
  return *this;
}

Tensor Tensor::grad() const { return accumulated_gradient(node()); }

void Tensor::set_grad(Tensor gradient) {
  if (gradient.defined() && gradient.shape() != shape())
    throw ShapeError("set_grad: a gradient of shape " + to_string(gradient.shape()) + " for " + describe(*this));
  if (gradient.defined() && gradient.dtype() != dtype())
    throw DTypeError("set_grad: a gradient of dtype " + std::string(name_of(gradient.dtype())) + " for " +
                     describe(*this) + "; cast() it");
  NodeExtra& extra = extra_of(node());
  // The old one goes when the lock has: it may be the last of a graph.
  const std::lock_guard lock(extra.gradient_mutex);
  std::swap(extra.gradient, gradient);
  extra.gradient_rest = Tensor();
  extra.passes = 0;
}

void Tensor::clear_grad() {
  if (find_extra(node())) set_grad({});
}

void Tensor::retain_grad() { extra_of(node()).retain_gradient = true; }

Tensor Tensor::detach() const {
  if (const RowSparse* rows = row_sparse()) return adopt_rows(shape(), {rows->indices, rows->values.detach()});
  Tensor detached = make_view(*this, shape(), node().strides, 0);
  if (Trace::current()) {
    const Tensor* const input[] = {this};
    record(engine::node_of(detached), kDetachRecord, input, nullptr);
  }
  return detached;
}

Tensor Tensor::clone() const {
  const Tensor dense = to_dense();
  Tensor copy = empty(shape(), dtype());
  copy_dense(engine::node_of(dense), engine::node_of(copy).data);
  return copy;
}

Tensor Tensor::contiguous() const {
  if (!node().dense()) return clone();
  return *this;
}

std::size_t Tensor::register_hook(Hook hook) {
  if (!requires_grad()) throw GraphError("register_hook: " + describe(*this) + " does not require a gradient");
  NodeExtra& extra = extra_of(node());
  extra.hooks.emplace_back(extra.next_hook, std::move(hook));
  return extra.next_hook++;
}

void Tensor::remove_hook(std::size_t id) {
  if (NodeExtra* extra = find_extra(node()))
    std::erase_if(extra->hooks, [&](const auto& hook) { return hook.first == id; });
}

Tensor& Tensor::set_name(std::string_view name) {
  extra_of(node()).name = name;
  return *this;
}

std::string_view Tensor::name() const {
  const NodeExtra* extra = find_extra(node());
  return extra ? std::string_view(extra->name) : "";
}

void Tensor::require_unrecorded(const char* what) const {
  if (grad_enabled())
    throw GraphError(std::string(what) + ": " + describe(*this) + ", a result of " +
                     std::string(node().op->info->name) +
                     ", is recorded, and its gradient would be that of the old value; use +=, elements(t, …) = y or a "
                     "new tensor, or change it under NoGrad");
}

void Tensor::refuse_read_only(const char* what) const {
  throw ValueError(std::string(what) + ": " + describe(*this) +
                   " lies on memory that was given to wrap() as const; change a clone()");
}

void Tensor::fill(double value) {
  if (!node().storage) throw ValueError("fill: " + describe(*this) + " is row-sparse; call to_dense() first");
  if (!node().contiguous()) {
    Tensor constant = empty({}, dtype());
    constant.fill(value);
    return copy_from(constant);
  }
  begin_change("fill");
  dispatch(dtype(), [&]<class T>() { std::fill_n(reinterpret_cast<T*>(node().data), numel(), static_cast<T>(value)); });
}

void Tensor::copy_from(const Tensor& source) {
  if (!broadcasts_to(source.shape(), shape()))
    throw ShapeError("copy_from: " + describe(source) + " does not broadcast to " + describe(*this));
  if (!node().storage) throw ValueError("copy_from: " + describe(*this) + " is row-sparse; call to_dense() first");
  Tensor dense = repeated(source.to_dense(), shape()).contiguous();
  if (dense.dtype() != dtype()) {
    Tensor converted = empty(shape(), dtype());
    convert(dense, converted);
    dense = std::move(converted);
  } else if (engine::node_of(dense).storage == node().storage) {
    dense = dense.clone();  // a view of this very buffer
  }
  begin_change("copy_from");
  store_dense(engine::node_of(dense).data, node());
}

namespace {

[[noreturn, gnu::cold]] void refuse_size(const Node& node, std::size_t bytes, const MemoryError& error) {
  throw MemoryError("a tensor of " + describe(node) + " needs " + std::to_string(bytes) + " bytes: " + error.what());
}

[[gnu::always_inline]] inline void give_value(Node& node) {
  const std::size_t bytes = static_cast<std::size_t>(node.shape.numel()) * size_of(node.dtype);
  try {
    node.storage = Storage::allocate(bytes);
  } catch (const MemoryError& error) {
    refuse_size(node, bytes, error);
  }
  node.data = node.storage->data();
}

}  // namespace

void allocate_value(Node& node) { give_value(node); }

Tensor empty(const Shape& shape, DType dtype) {
  Node* node = Node::create(shape, dtype);
  Tensor tensor = engine::adopt(node);
  give_value(*node);
  return tensor;
}

Tensor parameter(const Tensor& init, std::string_view name) {
  if (init.row_sparse()) throw ValueError("parameter: " + describe(init) + " is row-sparse; call to_dense() first");
  Tensor leaf = make_view(init, init.shape(), engine::node_of(init).strides, 0);
  leaf.set_requires_grad();
  if (!name.empty()) leaf.set_name(name);
  return leaf;
}

std::string describe(const Tensor& tensor) { return describe(engine::node_of(tensor)); }

std::string describe(const Node& node) {
  std::string text = std::string(name_of(node.dtype)) + " " + to_string(node.shape);
  if (const NodeExtra* extra = find_extra(node); extra && !extra->name.empty()) text += " '" + extra->name + "'";
  return text;
}

}  // namespace tapegrad
