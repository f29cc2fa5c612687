// The backward pass. Four steps, none of which uses stack in proportion to depth:
//   1. claim every node that the outputs depend on and count its consumers among them;
//   2. put them in an order in which each comes after all its consumers;
//   3. for grad(), mark those that lead to a wanted input;
//   4. in that order, turn each node's gradient into contributions to its inputs, freeing what is no longer needed.

#include <algorithm>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/node_extra.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/core/trace.hpp>
#include <unordered_map>

namespace tapegrad {
namespace {

constexpr std::uint8_t kTarget = 1;  // grad() was asked for it
constexpr std::uint8_t kOnPath = 2;  // a gradient has to go through it
constexpr std::uint8_t kAbandoned = 4;

std::uint32_t next_sweep_id() {
  static std::atomic<std::uint32_t> last{0};
  std::uint32_t id = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return id ? id : next_sweep_id();  // 0 means "none"
}

std::string where(const Node& node) { return node.scope ? " in scope " + node.scope->path : ""; }

/// Where the rules of one node leave what they share, while a sweep runs.
class SharedWork {
 public:
  SharedWork() : outer_(std::exchange(thread_state().shared, &tensors_)) {}
  ~SharedWork() { thread_state().shared = outer_; }
  SharedWork(const SharedWork&) = delete;
  SharedWork& operator=(const SharedWork&) = delete;
  void clear() {
    if (!tensors_.empty()) tensors_.clear();
  }

 private:
  std::vector<Tensor> tensors_;
  std::vector<Tensor>* outer_;
};

[[noreturn]] void refuse_released(const Node& node, const char* what) {
  throw GraphError(std::string(what) + ": " + std::string(node.op->info->name) + " of " + describe(node) + where(node) +
                   " was already differentiated and its saved values are gone; pass retain_graph to the first "
                   "backward(), or compute the result again");
}

/// The trace of this thread while a sweep runs: it gets to know the gradients, and not the operations that they are
/// computed by, unless those are to be differentiated themselves.
class TracedSweep {
 public:
  explicit TracedSweep(bool records) : trace_(thread_state().trace) {
    if (!records) thread_state().trace = nullptr;
  }
  ~TracedSweep() { thread_state().trace = trace_; }
  TracedSweep(const TracedSweep&) = delete;
  TracedSweep& operator=(const TracedSweep&) = delete;
  Trace* trace() const { return trace_; }

 private:
  Trace* trace_;
};

class Sweep {
 public:
  Sweep(const BackwardOptions& options)
      : create_graph_(options.create_graph), keep_(options.retain_graph || create_graph_) {}
  ~Sweep() {
    if (!finished_) abandon();
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  void start(const Tensor& output, Tensor cotangent) {
    roots_.push_back(output);
    claim(output.node());
    seed(output, std::move(cotangent));
  }

  /// Results go to `found`, by position; without targets they go to the leaves.
  void run(std::span<const Tensor> targets, std::vector<Tensor>* found);

 private:
  void claim(Node& root);
  bool take(Node& node);
  void seed(const Tensor& output, Tensor cotangent);
  void put_in_order();
  void mark_targets(std::span<const Tensor> targets);
  void propagate(Node& node, const Tensor& gradient);
  void add(Node& to, Tensor contribution);
  void deliver(Node& node, const Tensor& gradient) const;
  void abandon() noexcept;

  // Leaves may belong to the graphs of several threads. Of a leaf that another pass has claimed, what this one has to
  // keep lies here.
  struct Shared {
    std::uint32_t pending = 0;
    std::uint8_t marks = 0;
    Node* gradient = nullptr;
  };
  bool owns(const Node& node) const { return node.sweep.load(std::memory_order_relaxed) == id_; }
  bool visits(const Node& node) const { return owns(node) || shared_.contains(&node); }
  std::uint32_t& pending(Node& node) { return owns(node) ? node.pending : shared_.at(&node).pending; }
  bool is_on_path(const Node& node) const {
    if (owns(node)) return node.sweep_marks & kOnPath;
    const auto shared = shared_.find(&node);
    return shared != shared_.end() && shared->second.marks & kOnPath;
  }
  std::uint8_t& marks(Node& node) { return owns(node) ? node.sweep_marks : shared_.at(&node).marks; }
  Node*& gradient(Node& node) { return owns(node) ? node.gradient : shared_.at(&node).gradient; }

  std::unordered_map<const Node*, Shared> shared_;
  const std::uint32_t id_ = next_sweep_id();
  const bool create_graph_, keep_;
  std::vector<Tensor> roots_;
  std::size_t claimed_ = 0;
  std::vector<Node*> order_;
  std::unordered_map<const Node*, std::vector<std::size_t>> targets_;
  std::vector<Tensor>* found_ = nullptr;
  bool finished_ = false;
};

bool Sweep::take(Node& node) {
  if (!shared_.empty() && shared_.contains(&node)) return false;
  std::uint32_t free = 0;
  if (!node.sweep.compare_exchange_strong(free, id_, std::memory_order_acquire, std::memory_order_relaxed)) {
    if (free == id_) return false;
    if (node.is_leaf()) {
      shared_.emplace(&node, Shared());
      ++claimed_;
      return true;
    }
    throw GraphError("backward: " + describe(node) +
                     (node.op ? ", a result of " + std::string(node.op->info->name) : "") + where(node) +
                     ", is being differentiated by another backward pass (another thread, or a hook of this one); "
                     "give each thread its own graph; they may share their leaves");
  }
  node.pending = 0;
  node.sweep_marks = 0;
  ++claimed_;
  return true;
}

void Sweep::claim(Node& root) {
  if (!take(root)) return;
  std::vector<Node*> stack{&root};
  while (!stack.empty()) {
    Node& node = *stack.back();
    stack.pop_back();
    if (node.released) refuse_released(node, "backward");
    for (std::size_t i = 0; i < node.edge_count; ++i) {
      Node* input = node.edges()[i].node();
      if (!input || !input->requires_grad || node.op->info->fixed.has(static_cast<int>(i))) continue;
      if (take(*input)) stack.push_back(input);
      ++pending(*input);
    }
  }
}

void Sweep::seed(const Tensor& output, Tensor cotangent) {
  if (cotangent.defined()) {
    if (cotangent.shape() != output.shape())
      throw ShapeError("backward: the cotangent's shape " + to_string(cotangent.shape()) +
                       " is not that of the output, " + to_string(output.shape()));
    if (cotangent.dtype() != output.dtype())
      throw DTypeError("backward: the cotangent is " + std::string(name_of(cotangent.dtype())) + ", the output " +
                       std::string(name_of(output.dtype())) + "; cast the cotangent");
  } else {
    cotangent = empty(output.shape(), output.dtype());
    cotangent.fill(1);
  }
  add(output.node(), std::move(cotangent));
}

void Sweep::put_in_order() {
  order_.reserve(claimed_);
  for (const Tensor& root : roots_) {
    Node& node = root.node();
    if (pending(node) == 0 && std::find(order_.begin(), order_.end(), &node) == order_.end()) order_.push_back(&node);
  }
  for (std::size_t next = 0; next < order_.size(); ++next) {
    const Node& node = *order_[next];
    for (std::size_t i = 0; i < node.edge_count; ++i) {
      Node* input = node.edges()[i].node();
      if (!input || !input->requires_grad || node.op->info->fixed.has(static_cast<int>(i))) continue;
      if (--pending(*input) == 0) order_.push_back(input);
    }
  }
}

void Sweep::mark_targets(std::span<const Tensor> targets) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Node& node = targets[i].node();
    targets_[&node].push_back(i);
    if (visits(node)) marks(node) |= kTarget | kOnPath;
  }
  for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
    Node& node = **it;
    for (std::size_t i = 0; i < node.edge_count && !is_on_path(node); ++i) {
      const Node* input = node.edges()[i].node();
      if (input && input->requires_grad && !node.op->info->fixed.has(static_cast<int>(i)))
        if (is_on_path(*input)) marks(node) |= kOnPath;
    }
  }
}

void Sweep::add(Node& to, Tensor contribution) {
  Node*& gathered = gradient(to);
  if (!gathered) {
    gathered = contribution.release();
    return;
  }
  Tensor sum = Tensor::adopt(std::exchange(gathered, nullptr));
  const auto owned_alone = [](const Tensor& t) {
    const Node& n = t.node();
    return n.value_refs.get() == 1 && n.record_refs.get() == 1 && n.storage && n.storage->unique() && n.contiguous();
  };
  if (!create_graph_ && owned_alone(sum))
    add_in_place(sum, contribution);
  else if (!create_graph_ && owned_alone(contribution))
    add_in_place(contribution, sum), sum = std::move(contribution);
  else
    sum = add_gradients(sum, contribution);
  gathered = sum.release();
}

void Sweep::deliver(Node& node, const Tensor& gradient) const {
  NodeExtra& extra = extra_of(node);
  Tensor before;  // goes when the lock has: it may be the last of a graph
  const std::lock_guard lock(extra.gradient_mutex);
  before = extra.gradient;
  if (before.defined()) {
    extra.gradient = add_gradients(before, gradient);
  } else if (create_graph_ || gradient.row_sparse()) {
    extra.gradient = gradient;
  } else {
    // A buffer that others see (one cotangent handed to two leaves, a broadcast) must not become a leaf's own.
    const Node& g = gradient.node();
    const bool alone = g.value_refs.get() == 1 && g.storage->unique() && g.contiguous();
    extra.gradient = alone ? gradient : gradient.clone();
  }
}

void Sweep::propagate(Node& node, const Tensor& gradient) {
  require_saved(node, "backward");
  for (std::size_t i = 0; i < node.edge_count; ++i) {
    Node* input = node.edges()[i].node();
    if (!input || !input->requires_grad || !is_on_path(*input) || node.op->info->fixed.has(static_cast<int>(i)))
      continue;
    Tensor contribution = node.op->vjp(node, static_cast<int>(i), gradient);
    if (!contribution.defined()) continue;
    if (contribution.shape() != input->shape) contribution = sum_to(contribution, input->shape);
    if (thread_state().anomaly) [[unlikely]]
      require_finite(contribution, "backward", *node.op, node);
    add(*input, std::move(contribution));
  }
}

void Sweep::run(std::span<const Tensor> targets, std::vector<Tensor>* found) {
  put_in_order();
  found_ = found;
  if (found)
    mark_targets(targets);
  else
    for (Node* node : order_) marks(*node) |= kOnPath;

  const GradMode mode(create_graph_);
  SharedWork shared;
  const TracedSweep traced(create_graph_);
  for (Node* node : order_) {
    Tensor gradient = Tensor::adopt(std::exchange(this->gradient(*node), nullptr));
    if (gradient.defined() && is_on_path(*node)) {
      if (NodeExtra* extra = find_extra(*node)) {
        // By index and by copy: a hook may add or remove hooks.
        for (std::size_t i = 0; i < extra->hooks.size(); ++i) {
          const Tensor::Hook hook = extra->hooks[i].second;
          Tensor replaced = hook(gradient);
          if (replaced.defined()) gradient = std::move(replaced);
        }
        if (!found && extra->retain_gradient && !node->is_leaf()) deliver(*node, gradient);
      }
      if (marks(*node) & kTarget)
        for (std::size_t i : targets_[node]) (*found)[i] = gradient;
      const Trace::Timer timer(traced.trace());
      if (!node->is_leaf())
        propagate(*node, gradient), shared.clear();
      else if (!found)
        deliver(*node, gradient);
      timer.stop(*node, gradient);
    }
    if (!keep_) node->release_saved();
    if (owns(*node)) node->sweep.store(0, std::memory_order_release);
  }
  finished_ = true;
}

// After an exception: frees what was claimed. Works from the roots, since the order may not exist yet, and without
// memory, which may be what was lacking: nodes to be visited are linked through `gradient`.
void Sweep::abandon() noexcept {
  for (auto& [leaf, state] : shared_)
    if (state.gradient) std::exchange(state.gradient, nullptr)->release_value();
  Node* found = nullptr;
  const auto visit = [&](Node* node) {
    if (node->sweep.load(std::memory_order_relaxed) != id_ || node->sweep_marks & kAbandoned) return;
    node->sweep_marks |= kAbandoned;
    if (Node* gradient = std::exchange(node->gradient, found)) gradient->release_value();
    found = node;
  };
  const auto drain = [&] {
    while (Node* node = found) {
      found = std::exchange(node->gradient, nullptr);
      for (std::size_t i = 0; i < node->edge_count; ++i)
        if (Node* input = node->edges()[i].node()) visit(input);
      node->sweep.store(0, std::memory_order_release);
    }
  };
  for (const Tensor& root : roots_) visit(&root.node());
  drain();
  for (Node* node : order_) visit(node);  // below nodes that had already been finished
  drain();
}

void require_differentiable(const Tensor& output) {
  if (output.requires_grad()) return;
  throw GraphError("backward: " + describe(output) +
                   " does not require a gradient: it was computed from no parameter, or under NoGrad, or detached");
}

void require_single(const Tensor& output) {
  if (output.numel() == 1) return;
  throw ShapeError("backward: the output has shape " + to_string(output.shape()) +
                   ", not one element; reduce it with sum() or mean(), or pass a cotangent of that shape");
}

}  // namespace

void require_saved(const Node& node, const char* what) {
  if (node.released) refuse_released(node, what);
  for (std::size_t i = 0; i < node.edge_count; ++i) {
    const Edge edge = node.edges()[i];
    if (edge.saves() && edge.node()->version() != node.versions()[i])
      throw GraphError(std::string(what) + ": " + std::string(node.op->info->name) + where(node) +
                       " saved its input '" +
                       std::string(node.op->info->inputs.name[std::min<std::size_t>(i, kMaxInputs - 1)]) + "', " +
                       describe(*edge.node()) + ", at version " + std::to_string(node.versions()[i]) +
                       ", which has since been changed in place (version " + std::to_string(edge.node()->version()) +
                       "); change it after " + what + ", or give the op a clone()");
  }
  if (node.saves_output && node.version() != node.output_version)
    throw GraphError(std::string(what) + ": the result of " + std::string(node.op->info->name) + where(node) + ", " +
                     describe(node) + ", is needed for its gradient and has been changed in place; work on a clone()");
}

void Tensor::backward(const BackwardOptions& options) const {
  require_differentiable(*this);
  require_single(*this);
  backward(Tensor(), options);
}

void Tensor::backward(const Tensor& cotangent, const BackwardOptions& options) const {
  require_differentiable(*this);
  Sweep sweep(options);
  sweep.start(*this, cotangent);
  sweep.run({}, nullptr);
}

std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> cotangents, const BackwardOptions& options) {
  if (!cotangents.empty() && cotangents.size() != outputs.size())
    throw ValueError("grad: " + std::to_string(outputs.size()) + " outputs and " + std::to_string(cotangents.size()) +
                     " cotangents; give one for each output, or none");
  for (const Tensor& input : inputs)
    if (!input.requires_grad())
      throw GraphError("grad: the input " + describe(input) +
                       " does not require a gradient; make it a parameter() before computing with it");
  std::vector<Tensor> found(inputs.size());
  Sweep sweep(options);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (cotangents.empty()) require_single(outputs[i]);
    if (outputs[i].requires_grad()) sweep.start(outputs[i], cotangents.empty() ? Tensor() : cotangents[i]);
  }
  sweep.run(inputs, &found);
  return found;
}

Tensor grad(const Tensor& output, const Tensor& input, const BackwardOptions& options) {
  Tensor result = grad({&output, 1}, {&input, 1}, {}, options)[0];
  if (result.defined()) return result;
  result = empty(input.shape(), input.dtype());
  result.fill(0);
  return result;
}

}  // namespace tapegrad
