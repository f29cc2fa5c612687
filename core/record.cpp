#include <cmath>
#include <cstring>
#include <memory>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/node_extra.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/row_sparse.hpp>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/core/trace.hpp>

namespace tapegrad {

namespace {

ThreadState& own_state() noexcept {
  thread_local ThreadState state;
  return state;
}

}  // namespace

ThreadState& thread_state() { return own_state(); }

bool grad_enabled() { return thread_state().grad_enabled; }

GradMode::GradMode(bool on) : before_(own_state().grad_enabled) { own_state().grad_enabled = on; }
GradMode::~GradMode() { own_state().grad_enabled = before_; }

AnomalyMode::AnomalyMode(bool on) : before_(own_state().anomaly) { own_state().anomaly = on; }
AnomalyMode::~AnomalyMode() { own_state().anomaly = before_; }
bool AnomalyMode::enabled() { return thread_state().anomaly; }

bool saves_input(const OpInfo& info, std::span<const Tensor* const> inputs, int input) {
  if (info.saves.inputs.has(input)) return true;
  if (!info.saves.others) return false;
  for (std::size_t j = 0; j < inputs.size(); ++j)
    if (static_cast<int>(j) != input && inputs[j]->defined() && inputs[j]->requires_grad()) return true;
  return false;
}

void record(Node& result, const OpRecord& op, std::span<const Tensor* const> inputs, void* attributes) {
  const ThreadState& state = thread_state();
  bool wanted = false;
  if (state.grad_enabled && op.info->differentiable && is_floating(result.dtype))
    for (std::size_t i = 0; i < inputs.size(); ++i)
      wanted |= inputs[i]->defined() && inputs[i]->requires_grad() && !op.info->fixed.has(static_cast<int>(i));
  if (wanted || state.trace) {
    result.op = &op;
    result.requires_grad = wanted;
    result.saves_output = wanted && op.info->saves.output;
    if (attributes) result.attributes = attributes;
    result.reserve_edges(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i]->defined())
        result.connect(i, inputs[i]->node(), wanted && saves_input(*op.info, inputs, static_cast<int>(i)));
    result.output_version = result.version();
    if (state.trace) [[unlikely]]
      state.trace->add(result);
  } else if (attributes) {
    op.destroy_attributes(attributes);
  }
  if (state.anomaly) [[unlikely]]
    require_finite(Tensor::of(result), "forward", op, result);
}

namespace {

template <class T>
const char* first_non_finite(const Tensor& t) {
  const Tensor dense = t.contiguous();
  for (const T v : dense.data<T>()) {
    if (std::isnan(v)) return "NaN";
    if (std::isinf(v)) return "an infinity";
  }
  return nullptr;
}

}  // namespace

void require_finite(const Tensor& value, const char* phase, const OpRecord& op, const Node& node) {
  if (!is_floating(value.dtype())) return;
  if (const RowSparse* rows = value.row_sparse()) return require_finite(rows->values, phase, op, node);
  const char* found =
      dispatch_floating(value.dtype(), [&]<class T>() -> const char* { return first_non_finite<T>(value); });
  if (!found) return;
  std::string text = std::string(phase) + " of " + std::string(op.info->name) + " gave " + found + " in a result of " +
                     std::string(name_of(value.dtype())) + " " + to_string(value.shape()) + "; inputs:";
  for (std::size_t i = 0; i < node.edge_count; ++i) {
    if (i) text += ",";
    const Node* input = node.edges()[i].node();
    if (input)
      text += " " + describe(*input);
    else
      text += node.scalar_input == static_cast<int>(i) ? " " + std::to_string(node.scalar) : " none";
  }
  if (node.edge_count == 0) text += " none that requires a gradient";
  const ScopeName* scope = node.scope ? node.scope : Scope::current();
  if (scope)
    text += "; recorded in scope " + scope->path + ", opened at " + scope->file + ":" + std::to_string(scope->line);
  throw AnomalyError(text);
}

Tensor make_view(const Tensor& base, const Shape& shape, const Strides* strides, std::int64_t offset_elements) {
  Node& source = base.node();
  Node* node = Node::create(shape, source.dtype);
  Tensor view = Tensor::adopt(node);
  if (!source.storage)
    throw ValueError("a view of " + describe(source) + " needs a dense value; call to_dense() first");
  node->storage = source.storage;
  node->storage->retain();
  node->data = source.data + offset_elements * static_cast<std::int64_t>(size_of(source.dtype));
  if (strides) {
    // Strides that say nothing else than row-major are not kept: kernels then take the dense path.
    const Strides dense = row_major_strides(shape);
    bool same = true;
    for (int i = 0; i < shape.rank(); ++i) {
      const auto axis = static_cast<std::size_t>(i);
      same &= shape[i] == 1 || (*strides)[axis] == dense[axis];
    }
    if (!same && shape.numel() > 0) node->strides = new (memory::allocate(sizeof(Strides))) Strides(*strides);
  }
  return view;
}

namespace {

// Walks a strided and a dense array together, calling `run(strided, step, dense, count)` for each row of the last axis.
template <class Element, class Run>
void for_strided_rows(const Shape& shape, const Strides& strides, Element* strided, Element* dense, const Run& run) {
  const int rank = shape.rank();
  const std::int64_t count = shape[rank - 1], step = strides[static_cast<std::size_t>(rank - 1)];
  const std::int64_t rows = count == 0 ? 0 : shape.numel() / count;
  std::array<std::int64_t, kMaxRank> index{};
  std::int64_t offset = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    run(strided + offset, step, dense, count);
    dense += count;
    for (int axis = rank - 2; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      offset += strides[a];
      if (++index[a] < shape[axis]) break;
      offset -= strides[a] * shape[axis];
      index[a] = 0;
    }
  }
}

template <std::size_t kBytes>
struct Element {
  std::byte bytes[kBytes];
};

template <class Visit>
void with_element(DType dtype, const Visit& visit) {
  switch (size_of(dtype)) {
    case 8:
      return visit(Element<8>{});
    case 4:
      return visit(Element<4>{});
    default:
      return visit(Element<1>{});
  }
}

}  // namespace

void copy_dense(const Node& source, std::byte* out) {
  const std::size_t bytes = static_cast<std::size_t>(source.shape.numel()) * size_of(source.dtype);
  if (bytes == 0) return;
  if (source.contiguous()) {
    std::memcpy(out, source.data, bytes);
    return;
  }
  with_element(source.dtype, [&]<class E>(E) {
    for_strided_rows(source.shape, *source.strides, reinterpret_cast<E*>(source.data), reinterpret_cast<E*>(out),
                     [](const E* from, std::int64_t step, E* to, std::int64_t count) {
                       if (step == 1)
                         std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(E));
                       else
                         for (std::int64_t i = 0; i < count; ++i) to[i] = from[i * step];
                     });
  });
}

void store_dense(const std::byte* in, Node& target) {
  const std::size_t bytes = static_cast<std::size_t>(target.shape.numel()) * size_of(target.dtype);
  if (bytes == 0) return;
  if (target.contiguous()) {
    std::memcpy(target.data, in, bytes);
    return;
  }
  with_element(target.dtype, [&]<class E>(E) {
    for_strided_rows(target.shape, *target.strides, reinterpret_cast<E*>(target.data),
                     reinterpret_cast<E*>(const_cast<std::byte*>(in)),
                     [](E* to, std::int64_t step, const E* from, std::int64_t count) {
                       if (step == 1)
                         std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(E));
                       else
                         for (std::int64_t i = 0; i < count; ++i) to[i * step] = from[i];
                     });
  });
}

void add_in_place(Tensor& destination, const Tensor& source) {
  if (const RowSparse* rows = source.row_sparse()) {
    const std::int64_t count = destination.shape()[0];
    return dispatch_floating(destination.dtype(), [&]<class T>() {
      add_rows(rows->values.data<T>().data(), rows->indices.data<std::int64_t>(),
               count ? destination.numel() / count : 0, reinterpret_cast<T*>(destination.node().data), count);
    });
  }
  const Tensor dense = source.contiguous();
  dispatch_floating(destination.dtype(), [&]<class T>() {
    T* to = reinterpret_cast<T*>(destination.node().data);
    const T* from = dense.data<T>().data();
    const std::int64_t n = destination.numel();
    for (std::int64_t i = 0; i < n; ++i) to[i] += from[i];
  });
}

}  // namespace tapegrad
