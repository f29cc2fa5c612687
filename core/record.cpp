#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
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

std::string input_name(const OpRecord& op, std::size_t position) {
  const InputInfo& input = op.input(position);
  if (!input.list) return std::string(input.name);
  return std::string(input.name) + "[" + std::to_string(position + 1 - op.inputs.size()) + "]";
}

std::string op_name(const Node& node) {
  if (node.op->kind != OpKind::part) return std::string(node.op->info->name);
  const OpRecord& op = *node.edges()[0].node()->op;
  return std::string(op.info->name) + "." + std::string(op.results[static_cast<std::size_t>(node.scalar_input)]);
}

bool records(const OpRecord& op, std::span<const Tensor* const> inputs) {
  if (!thread_state().grad_enabled || !op.info->differentiable) return false;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i]->defined() && inputs[i]->requires_grad() && !op.fixed.has(static_cast<int>(i))) return true;
  return false;
}

namespace {

void connect(Node& node, const OpRecord& op, std::span<const Tensor* const> inputs, void* attributes, bool wanted) {
  node.op = &op;
  node.requires_grad = wanted;
  node.traced_only = !wanted;
  if (attributes) node.attributes = attributes;
  node.reserve_edges(inputs.size());
}

constexpr OpInfo kPart{.name = "part", .formula = "y = one of the results"};
constexpr InputInfo kPartInputs[] = {{.name = "results"}};
/// One of several results: `scalar_input` says which, its one input is the call.
constexpr OpRecord kPartRecord{.info = &kPart, .kind = OpKind::part, .inputs = kPartInputs};

void connect_part(Node& part, Node& call, int result) {
  part.op = &kPartRecord;
  part.requires_grad = call.requires_grad && is_floating(part.dtype);
  part.traced_only = !part.requires_grad;
  part.scalar_input = static_cast<std::int8_t>(result);
  part.reserve_edges(1);
  part.connect(0, call, false);
}

}  // namespace

namespace {

/// `saves_input` says of each input whether its value is kept.
template <class SavesInput>
void record_with(Node& result, const OpRecord& op, std::span<const Tensor* const> inputs, void* attributes,
                 const SavesInput& saves_input, bool saves_result) {
  const ThreadState& state = thread_state();
  const bool wanted = is_floating(result.dtype) && records(op, inputs);
  if (wanted || state.trace) {
    connect(result, op, inputs, attributes, wanted);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i]->defined()) result.connect(i, engine::node_of(*inputs[i]), wanted && saves_input(i));
    result.saves_output = wanted && saves_result;
    result.output_version = result.version();
    if (state.trace) [[unlikely]]
      state.trace->add(result);
  } else if (attributes) {
    op.destroy_attributes(attributes);
  }
  if (state.anomaly) [[unlikely]]
    require_finite(engine::tensor_of(result), "forward", op, result);
}

}  // namespace

void record(Node& result, const OpRecord& op, std::span<const Tensor* const> inputs, void* attributes,
            const Saved& saved) {
  record_with(
      result, op, inputs, attributes, [&](std::size_t i) { return saved.inputs[i]; }, saved.result);
}

void record(Node& result, const OpRecord& op, std::span<const Tensor* const> inputs, void* attributes) {
  record_with(
      result, op, inputs, attributes, [&](std::size_t i) { return saves_input(*op.info, inputs, static_cast<int>(i)); },
      op.info->saves.output);
}

void record_several(std::span<const Tensor> results, const OpRecord& op, std::span<const Tensor* const> inputs,
                    void* attributes, std::span<const bool> saved_inputs) {
  const ThreadState& state = thread_state();
  const bool wanted = records(op, inputs) && std::any_of(results.begin(), results.end(),
                                                         [](const Tensor& t) { return is_floating(t.dtype()); });
  if (wanted || state.trace) {
    const Tensor holder = engine::adopt(Node::create({}, results[0].dtype()));
    Node& call = engine::node_of(holder);
    connect(call, op, inputs, attributes, wanted);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i]->defined()) call.connect(i, engine::node_of(*inputs[i]), wanted && saved_inputs[i]);
    // The call comes before its results, which were made before it.
    std::vector<std::uint64_t> order{call.sequence};
    for (const Tensor& result : results) order.push_back(engine::node_of(result).sequence);
    std::sort(order.begin(), order.end());
    call.sequence = order[0];
    if (state.trace) [[unlikely]]
      state.trace->add(call);
    for (std::size_t i = 0; i < results.size(); ++i) {
      Node& part = engine::node_of(results[i]);
      part.sequence = order[i + 1];
      // An integer result has no gradient, and holds on to no graph.
      if (!state.trace && !is_floating(part.dtype)) continue;
      connect_part(part, call, static_cast<int>(i));
      if (state.trace) [[unlikely]]
        state.trace->add(part);
    }
    if (state.anomaly) [[unlikely]]
      for (const Tensor& result : results) require_finite(result, "forward", op, call);
  } else {
    if (attributes) op.destroy_attributes(attributes);
    if (state.anomaly) [[unlikely]]
      for (const Tensor& result : results) require_finite(result, "forward", op, engine::node_of(result));
  }
}

Tensor result_again(Node& call, int result, const Tensor& value) {
  Tensor again = make_view(value, value.shape(), engine::node_of(value).strides, 0);
  connect_part(engine::node_of(again), call, result);
  return again;
}

void rethrow_failure(const OpRecord& op, std::span<const Tensor* const> inputs) {
  const auto tell = [&](const char* message) {
    if (Trace* trace = Trace::current()) trace->fail(op, inputs, message);
  };
  const auto no_memory = [&](const std::string& why) {
    std::string text = std::string(op.info->name) + ": " + why + "; inputs:";
    for (std::size_t i = 0; i < inputs.size(); ++i)
      text += (i ? ", " : " ") + (inputs[i]->defined() ? describe(*inputs[i]) : "none");
    tell(text.c_str());
    return MemoryError(text);
  };
  try {
    throw;
  } catch (const MemoryError& error) {
    throw no_memory(error.what());
  } catch (const std::bad_alloc&) {
    throw no_memory("out of memory");
  } catch (const std::length_error&) {  // of a container that a size was too large for
    throw no_memory("out of memory");
  } catch (const std::exception& error) {
    tell(error.what());
    throw;
  }
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
  if (scope) {
    text += "; recorded in scope " + scope->path;
    if (const Location& where = scope->where; *where.file)
      text += std::string(", opened at ") + where.file + ":" + std::to_string(where.line);
  }
  throw AnomalyError(text);
}

Tensor make_view(const Tensor& base, const Shape& shape, const Strides* strides, std::int64_t offset_elements) {
  Node& source = engine::node_of(base);
  Node* node = Node::create(shape, source.dtype);
  Tensor view = engine::adopt(node);
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

/// The axis of `shape` but the last along which the strided array is dense, as a transposed matrix is; -1 if none.
int axis_across(const Shape& shape, const Strides& strides) {
  const int last = shape.rank() - 1;
  if (strides[static_cast<std::size_t>(last)] == 1) return -1;
  for (int axis = 0; axis < last; ++axis)
    if (strides[static_cast<std::size_t>(axis)] == 1 && shape[axis] > 1) return axis;
  return -1;
}

/// Walks a strided and a dense array together, calling `run(strided, step, dense, count)` for each row of the last
/// axis, or for parts of rows where the arrays lie across: tile by tile, of which the cache holds both sides.
template <class Element, class Run>
void for_strided_rows(const Shape& shape, const Strides& strides, Element* strided, Element* dense, const Run& run) {
  constexpr std::int64_t kTile = 16;
  const int last = shape.rank() - 1, across = axis_across(shape, strides);
  const std::int64_t count = shape[last], step = strides[static_cast<std::size_t>(last)];
  if (shape.numel() == 0) return;
  const Strides dense_strides = row_major_strides(shape);
  const std::int64_t beside = across < 0 ? 1 : shape[across];
  const std::int64_t dense_step = across < 0 ? 0 : dense_strides[static_cast<std::size_t>(across)];
  std::array<std::int64_t, kMaxRank> index{};
  std::int64_t from = 0, to = 0;
  for (std::int64_t plane = shape.numel() / (count * beside); plane > 0; --plane) {
    if (across < 0) run(strided + from, step, dense + to, count);
    for (std::int64_t i = 0; across >= 0 && i < beside; i += kTile)
      for (std::int64_t j = 0; j < count; j += kTile)
        for (std::int64_t k = i; k < std::min(beside, i + kTile); ++k)
          run(strided + from + k + j * step, step, dense + to + k * dense_step + j, std::min(kTile, count - j));
    for (int axis = last - 1; axis >= 0; --axis) {
      if (axis == across) continue;
      const auto a = static_cast<std::size_t>(axis);
      from += strides[a];
      to += dense_strides[a];
      if (++index[a] < shape[axis]) break;
      from -= strides[a] * shape[axis];
      to -= dense_strides[a] * shape[axis];
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
  if (const RowSparse* rows = source.row_sparse())
    return dispatch_floating(destination.dtype(), [&]<class T>() {
      add_rows(*rows, reinterpret_cast<T*>(engine::node_of(destination).data));
    });
  const Tensor dense = source.contiguous();
  dispatch_floating(destination.dtype(), [&]<class T>() {
    T* to = reinterpret_cast<T*>(engine::node_of(destination).data);
    const T* from = dense.data<T>().data();
    const std::int64_t n = destination.numel();
    for (std::int64_t i = 0; i < n; ++i) to[i] += from[i];
  });
}

}  // namespace tapegrad
