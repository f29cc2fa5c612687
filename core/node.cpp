#include <atomic>
#include <limits>
#include <memory>
#include <new>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/node_extra.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/scope.hpp>

namespace tapegrad {
namespace {

thread_local std::uint64_t next_sequence = 0;

// Nodes whose last reference went while another was being destroyed wait here, linked through `gradient`: destroying a
// graph takes constant stack however deep it is.
thread_local Node* doomed = nullptr;
thread_local bool destroying = false;

constexpr std::size_t outlined_bytes(std::size_t edges) { return edges * (sizeof(Edge) + sizeof(std::uint32_t)); }

}  // namespace

NodeExtra& extra_of(Node& node) {
  if (NodeExtra* extra = find_extra(node)) return *extra;
  auto made = std::make_unique<NodeExtra>();
  NodeExtra* there = nullptr;
  // Threads that share a leaf may come here at once.
  if (std::atomic_ref(node.extra).compare_exchange_strong(there, made.get(), std::memory_order_acq_rel))
    return *made.release();
  return *there;
}

Tensor accumulated_gradient(const Node& node) {
  NodeExtra* extra = find_extra(node);
  if (!extra) return {};
  const std::lock_guard lock(extra->gradient_mutex);
  return extra->gradient;
}

Node* Node::create(const Shape& shape, DType dtype) {
  auto* node = new (memory::allocate(sizeof(Node))) Node;
  node->shape = shape;
  node->dtype = dtype;
  node->sequence = next_sequence++;
  node->scope = Scope::current();
  return node;
}

void Node::reserve_edges(std::size_t count) {
  if (count > std::numeric_limits<std::uint32_t>::max())
    throw ValueError("an operation takes at most 2^32 - 1 inputs, got " + std::to_string(count));
  if (count > kInlineEdges) {
    auto* many = static_cast<Edge*>(memory::allocate(outlined_bytes(count)));
    auto* seen = reinterpret_cast<std::uint32_t*>(many + count);
    std::uninitialized_fill_n(many, count, Edge());
    std::uninitialized_fill_n(seen, count, 0u);
    outlined = {many, seen};
  }
  edge_count = static_cast<std::uint32_t>(count);
}

void Node::connect(std::size_t i, Node& input, bool saves) {
  if (saves) {
    input.retain_value();
    versions()[i] = input.version();
  } else {
    input.retain_record();
  }
  edges()[i] = Edge(&input, saves);
}

void Node::release_saved() noexcept {
  Edge* all = edges();
  for (std::size_t i = 0; i < edge_count; ++i) {
    if (!all[i].saves()) continue;
    Node* input = all[i].node();
    input->retain_record();
    all[i] = Edge(input, false);
    versions()[i] = kLetGo;
    input->release_value();
    released = true;
  }
  if (op && op->held)
    if (auto* held = op->held(*this); held && !held->empty()) {
      // Their shapes stay, so that pictures tell how large they were.
      for (HeldValue& h : *held) {
        if (!h.value.defined()) continue;
        if (Node& value = engine::node_of(h.value); value.value_refs.get() == 1 && !value.saves_output)
          value.free_storage();
        else
          h.value = {};
      }
      released = true;
    }
  if (saves_output) {
    saves_output = false;
    output_version = kLetGo;
    released = true;
    if (value_refs.get() == 0) free_storage();
  }
}

void Node::free_storage() noexcept {
  if (storage) storage->release();
  storage = nullptr;
  data = nullptr;
}

void Node::drop_value() noexcept {
  if (!saves_output) free_storage();
  release_record();
}

void Node::destroy() noexcept {
  gradient = doomed;
  doomed = this;
  if (destroying) return;
  destroying = true;
  while (Node* node = doomed) {
    doomed = node->gradient;
    const Edge* all = node->edges();
    for (std::size_t i = 0; i < node->edge_count; ++i) {
      Node* input = all[i].node();
      if (!input) continue;
      if (all[i].saves())
        input->release_value();
      else
        input->release_record();
    }
    if (node->edge_count > kInlineEdges) memory::release(node->outlined.many, outlined_bytes(node->edge_count));
    node->free_storage();
    if (node->strides) {
      std::destroy_at(node->strides);
      memory::release(node->strides, sizeof(Strides));
    }
    if (node->op && node->op->destroy_attributes) node->op->destroy_attributes(node->attributes);
    delete node->extra;  // hooks may own tensors: their nodes join the list
    std::destroy_at(node);
    memory::release(node, sizeof(Node));
  }
  destroying = false;
}

}  // namespace tapegrad
