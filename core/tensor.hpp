#pragma once
// Tensor: a handle to a value and to the record of how it was computed.

#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <tapegrad/core/node.hpp>
#include <utility>
#include <vector>

namespace tapegrad {

struct RowSparse;
namespace engine {
struct Access;  // to the node behind a handle: core/record.hpp
}

/// Of backward() and grad().
struct BackwardOptions {
  bool retain_graph = false;  ///< keep what was saved, for another pass
  /// Record the gradients' own computation; implies retain_graph. What backward() then leaves in grad() refers to its
  /// leaf, and both stay until clear_grad().
  bool create_graph = false;
};

/// An n-dimensional array of one dtype; eight bytes, copied by reference: copies share value, gradient and record.
/// Distinct tensors may be used from distinct threads; one graph from one thread at a time. Leaves may be shared: see
/// docs/reliability.md.
class Tensor {
 public:
  Tensor() = default;  ///< undefined: no value; most functions on it throw
  Tensor(const Tensor& other) : node_(other.node_) {
    if (node_) node_->retain_value();
  }
  Tensor(Tensor&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  /// Makes the handle one of `other`'s value. Not of a temporary: t[0] = y would change nothing; elements(t, 0) = y
  /// does.
  Tensor& operator=(Tensor other) & noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Tensor() {
    if (node_) node_->release_value();
  }

  bool defined() const { return node_ != nullptr; }

  const Shape& shape() const { return node().shape; }
  int rank() const { return node().shape.rank(); }
  std::int64_t size(int axis) const;
  std::int64_t numel() const { return node().shape.numel(); }
  DType dtype() const { return node().dtype; }
  bool is_contiguous() const { return node().contiguous(); }
  /// Step of each axis in elements.
  Strides strides() const;

  /// The elements in row-major order. T must be the dtype's type (DTypeError) and the tensor contiguous (ShapeError:
  /// call contiguous() first). Valid while the tensor lives. On a 64-byte boundary, but for views that begin elsewhere
  /// and memory of the program's.
  template <class T>
  std::span<const T> data() const {
    return {reinterpret_cast<const T*>(checked_data(dtype_of<T>())), static_cast<std::size_t>(numel())};
  }
  /// As data(), to be written to. Counts as a change in place, as begin_change() says.
  template <class T>
  std::span<T> mutable_data() {
    auto* p = reinterpret_cast<T*>(const_cast<std::byte*>(checked_data(dtype_of<T>())));
    begin_change("mutable_data");
    return {p, static_cast<std::size_t>(numel())};
  }
  /// All elements in row-major order, converted to double; works on any layout and dtype.
  std::vector<double> values() const;
  /// The only element; ShapeError when there is not exactly one.
  double item() const;
  /// Position `index` of the first axis, which goes away: a view, recorded. For more see at() in ops/selection.hpp.
  Tensor operator[](std::int64_t index) const;
  /// One element, by index per axis.
  double at(std::initializer_list<std::int64_t> index) const;

  /// Whether backward passes reach it.
  bool requires_grad() const { return node().requires_grad; }
  /// Turns a leaf's gradient on or off. GraphError on computed tensors, DTypeError on integers.
  Tensor& set_requires_grad(bool on = true);
  bool is_leaf() const { return node().is_leaf(); }

  /// The gradient accumulated by backward(); undefined when there is none.
  Tensor grad() const;
  /// ShapeError or DTypeError if it has not this tensor's shape and dtype; an undefined one clears it.
  void set_grad(Tensor gradient);
  void clear_grad();
  /// Makes backward() keep the gradient of a computed tensor too.
  void retain_grad();

  /// Adds d(this)/d(leaf) to the grad() of every leaf that requires it. This must have one element, unless `cotangent`,
  /// of the same shape, weights them. GraphError when nothing requires a gradient or the graph was released.
  void backward(const BackwardOptions& options = {}) const;
  void backward(const Tensor& cotangent, const BackwardOptions& options = {}) const;

  /// The same value, sharing its buffer, without the record.
  Tensor detach() const;
  /// A copy with a buffer of its own, without the record.
  Tensor clone() const;
  /// Itself when row-major and dense, else such a copy. Not recorded.
  Tensor contiguous() const;

  using Hook = std::function<Tensor(const Tensor& gradient)>;
  /// Runs `hook` on this tensor's gradient during backward passes; a defined result, of the same shape and dtype,
  /// replaces the gradient. The hook may run backward passes of its own, also through leaves that this one reaches, but
  /// for the one that it is a hook of. Returns a number for remove_hook.
  std::size_t register_hook(Hook hook);
  void remove_hook(std::size_t id);

  /// A name for messages and pictures. Shared by all handles to this value.
  Tensor& set_name(std::string_view name);
  std::string_view name() const;

  /// Changes made in place so far, through any view.
  std::uint32_t version() const { return node().version(); }
  /// Overwrites the elements with those of `source`, broadcast and converted. In place, through any view; not recorded.
  void copy_from(const Tensor& source);
  void fill(double value);
  /// For those who write to the elements in ways of their own: counts a change in place, so that a graph that saved the
  /// old value refuses to run backward. GraphError that begins with `what` while this thread records, if the tensor is
  /// a result that gradients go through: they would be those of the old value. See elements() and operator+=.
  /// ValueError if it lies on memory that the program gave as const.
  void begin_change(const char* what) {
    const Node& n = node();
    if (n.requires_grad && !n.is_leaf()) [[unlikely]]
      require_unrecorded(what);
    if (!n.storage) return;
    if (n.storage->read_only()) [[unlikely]]
      refuse_read_only(what);
    n.storage->bump_version();
  }

  /// Non-null when only some rows are stored, as embedding gradients are.
  const RowSparse* row_sparse() const;
  /// A dense tensor of the same value; itself when dense.
  Tensor to_dense() const;

  /// Whether both are handles to one value.
  bool same_as(const Tensor& other) const { return node_ == other.node_; }

 private:
  friend struct engine::Access;
  Node& node() const {
    if (!node_) throw_undefined();
    return *node_;
  }
  const std::byte* checked_data(DType wanted) const;
  void require_unrecorded(const char* what) const;
  [[noreturn]] void refuse_read_only(const char* what) const;
  [[noreturn]] static void throw_undefined();

  Node* node_ = nullptr;
};

/// Some rows of a tensor that is zero elsewhere. Both parts are dense.
struct RowSparse {
  Tensor indices;  ///< i64 [n], each row once
  Tensor values;   ///< [n, …]
};
/// A floating tensor of `shape` from rows listed in any order; one listed twice is the sum of both. Not recorded.
/// ShapeError when `indices` [n] (i64) and `values` [n, …] do not fit it, IndexError for a row outside it.
Tensor make_row_sparse(const Shape& shape, const Tensor& indices, const Tensor& values);

/// An uninitialised dense tensor.
Tensor empty(const Shape& shape, DType dtype = f32);

/// A leaf that requires a gradient: shares the value of `init`.
Tensor parameter(const Tensor& init, std::string_view name = "");

/// "tensor([[1, 2], [3, 4]], f32)", with the digits that tell each number from its neighbours of the same dtype. Of
/// more than 1000 elements the long axes are abridged, and the shape is told: "tensor([0, 1, 2, …, 7, 8, 9], f32, shape
/// [2000])".
std::string to_string(const Tensor& tensor);
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

/// "f32 [2, 3] 'hidden.weight'": what messages call a tensor.
std::string describe(const Tensor& tensor);

}  // namespace tapegrad
