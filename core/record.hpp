#pragma once
// How an op enters the graph, for those who write ops; users call the ops.

#include <span>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

class Trace;

namespace engine {

/// The way from handles to nodes and back.
struct Access {
  static Node& node(const Tensor& t) { return t.node(); }
  static Tensor adopt(Node* node) {
    Tensor t;
    t.node_ = node;
    return t;
  }
  static Node* release(Tensor& t) { return std::exchange(t.node_, nullptr); }
};

/// The node behind a handle; throws when undefined.
inline Node& node_of(const Tensor& t) { return Access::node(t); }
/// A handle that takes over a value reference.
inline Tensor adopt(Node* node) { return Access::adopt(node); }
/// A new handle to a node whose value is alive.
inline Tensor tensor_of(Node& node) {
  node.retain_value();
  return adopt(&node);
}
/// The reference of a handle, which becomes undefined.
inline Node* release(Tensor t) { return Access::release(t); }

}  // namespace engine

/// What messages call a node's value: see describe() of tensors.
std::string describe(const Node& node);

/// Thread-wide switches read at every op, together so that one look-up serves.
struct ThreadState {
  bool grad_enabled = true;
  bool anomaly = false;
  Trace* trace = nullptr;
};
ThreadState& thread_state();

/// A value that a node keeps for its gradient beside its inputs and its one result.
struct HeldValue {
  Tensor value;
  std::uint32_t version = 0;  ///< when recorded
  int result = -1;            ///< which of several results it is the value of; none: a value of the op's own
};

/// What a node keeps for its gradient.
struct Saved {
  std::span<const bool> inputs;
  bool result = false;
};

/// Whether this thread records the op: one of its inputs requires a gradient and may have one.
bool records(const OpRecord& op, std::span<const Tensor* const> inputs);

/// Connects `result` to its inputs if this thread records and one of them requires a gradient; else frees
/// `attributes`. An undefined entry of `inputs` stands for a number, which the node keeps as its `scalar`.
/// Checks for NaN and Inf in anomaly mode.
void record(Node& result, const OpRecord& op, std::span<const Tensor* const> inputs, void* attributes,
            const Saved& saved);
/// The same, with what op.info->saves says.
void record(Node& result, const OpRecord& op, std::span<const Tensor* const> inputs, void* attributes);

/// The same for an op with several results: a node of the call, which has no value, and one of each result below it.
/// The call is released with the last of them.
void record_several(std::span<const Tensor> results, const OpRecord& op, std::span<const Tensor* const> inputs,
                    void* attributes, std::span<const bool> saved_inputs);
/// A result of a recorded call once more, from its value: gradients go through it as through the first one.
Tensor result_again(Node& call, int result, const Tensor& value);

/// In the handler of an exception that running `op` on `inputs` threw: tells this thread's Trace, and throws it again;
/// lack of memory as a MemoryError that names the op and its inputs.
[[noreturn]] void rethrow_failure(const OpRecord& op, std::span<const Tensor* const> inputs);

/// Throws AnomalyError if `value` has a NaN or an infinity. `phase` is "forward" or "backward".
void require_finite(const Tensor& value, const char* phase, const OpRecord& op, const Node& node);

/// Throws GraphError if values that `node` saved are gone, or were changed in place; `what` begins the message.
void require_saved(const Node& node, const char* what);

/// Whether input `input`'s value is kept, given which inputs require a gradient.
bool saves_input(const OpInfo& info, std::span<const Tensor* const> inputs, int input);

// ---- the few operations that the engine itself runs on gradients; defined in ops/ -----------------------------------

/// a + b, recorded when this thread records.
Tensor add_gradients(const Tensor& a, const Tensor& b);
/// Sums `t` over the axes along which `shape` broadcast to it.
Tensor sum_to(const Tensor& t, const Shape& shape);

// ---- unrecorded helpers on values -----------------------------------------------------------------------------------

/// Gives a node that has none an uninitialised dense value.
void allocate_value(Node& node);

/// destination += source: same shape and dtype, destination dense and owned alone by the caller; source may be
/// row-sparse.
void add_in_place(Tensor& destination, const Tensor& source);
/// Copies `source`'s elements in row-major order to `out`, a dense buffer of its dtype.
void copy_dense(const Node& source, std::byte* out);
/// The inverse: writes a dense buffer's elements in row-major order through `target`'s strides.
void store_dense(const std::byte* in, Node& target);
/// A view of `base`'s buffer; null strides mean dense. Not recorded.
Tensor make_view(const Tensor& base, const Shape& shape, const Strides* strides, std::int64_t offset_elements);

}  // namespace tapegrad
