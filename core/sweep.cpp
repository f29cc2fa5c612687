// The backward pass. Four steps, none of which uses stack in proportion to depth:
//   1. claim every node that the outputs depend on and count its consumers among them;
//   2. put them in an order in which each comes after all its consumers;
//   3. for grad(), mark those that lead to a wanted input;
//   4. in that order, turn each node's gradient into contributions to its inputs, freeing what is no longer needed.

#include <algorithm>
#include <memory>
#include <optional>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/node_extra.hpp>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/scope.hpp>
#include <tapegrad/core/trace.hpp>
#include <unordered_map>

namespace tapegrad {
namespace {

constexpr std::uint8_t kTarget = 1;  // grad() was asked for it
constexpr std::uint8_t kOnPath = 2;  // a gradient has to go through it
constexpr std::uint8_t kPlaced = 4;  // it is in the order already
constexpr std::uint8_t kHooks = 8;   // its hooks run
constexpr std::uint8_t kAbandoned = 16;

std::uint32_t next_sweep_id() {
  static std::atomic<std::uint32_t> last{0};
  std::uint32_t id = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return id ? id : next_sweep_id();  // 0 means "none"
}

std::string where(const Node& node) { return node.scope ? " in scope " + node.scope->path : ""; }

/// Calls `visit` for the inputs that gradients of `node` go to.
template <class Visit>
void for_moving_inputs(const Node& node, const Visit& visit) {
  if (node.is_leaf()) return;  // one that a trace recorded has inputs
  for (std::size_t i = 0; i < node.edge_count; ++i) {
    Node* input = node.edges()[i].node();
    if (input && input->requires_grad && !node.op->fixed.has(static_cast<int>(i))) visit(*input);
  }
}

/// "f32 [2, 3]"; a call of several results has no value, and is its results together.
std::string describe_result(const Node& node) {
  return node.op && !node.op->results.empty() ? "all its results" : describe(node);
}

[[noreturn]] void refuse_released(const Node& node, const char* what) {
  throw GraphError(std::string(what) + ": " + op_name(node) + " of " + describe_result(node) + where(node) +
                   " was already differentiated and its saved values are gone; pass retain_graph to the first "
                   "backward(), or compute the result again");
}

[[noreturn]] void refuse_claimed(const Node& node) {
  throw GraphError("backward: " + describe(node) + (node.op ? ", a result of " + op_name(node) : "") + where(node) +
                   ", is being differentiated by another backward pass (another thread, or a hook of this one); "
                   "give each thread its own graph; they may share their leaves");
}

/// Whether what a hook or a gradient rule gave can be the gradient of `node`.
bool is_gradient_of(const Node& node, const Tensor& given) {
  return given.shape() == node.shape && given.dtype() == node.dtype;
}

[[noreturn]] void refuse_gradient(const Node& node, const Tensor& given, const std::string& giver) {
  const std::string text =
      "backward: " + giver + " gave " + describe(given) + " as the gradient of " + describe(node) + where(node);
  if (given.shape() != node.shape) throw ShapeError(text + "; the shapes must be equal");
  throw DTypeError(text + "; the dtypes must be equal: cast() it");
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
    innermost = outer_;
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  void start(const Tensor& output, Tensor cotangent) {
    roots_.push_back(output);
    if (Trace* trace = thread_state().trace) [[unlikely]]
      trace->add_output(engine::node_of(output));
    claim(engine::node_of(output));
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
  void propagate(Node& node, std::span<const Tensor> cotangents);
  [[gnu::always_inline]] void pull(Node& node, std::span<const Tensor> cotangents, bool* wanted, Tensor* contributions);
  void propagate_part(const Node& part, const Tensor& gradient) const;
  void add(Node& to, Tensor contribution);
  Tensor joined(Tensor sum, Tensor contribution) const;
  void carry(Node& node);
  Tensor take_gradient(Node& node);
  void deliver(Node& node, const Tensor& gradient) const;
  void abandon() noexcept;

  // Leaves may belong to the graphs of several threads, or to that of a sweep whose hook or gradient rule runs this
  // one. Of a leaf that another sweep has claimed, what this one has to keep lies here.
  struct Shared {
    std::uint32_t pending = 0;
    std::uint8_t marks = 0;
    Node* gradient = nullptr;
  };
  bool owns(const Node& node) const noexcept { return node.sweep.load(std::memory_order_relaxed) == id_; }
  bool visits(const Node& node) const { return owns(node) || shared_.contains(&node); }
  std::uint32_t& pending(Node& node) { return owns(node) ? node.pending : shared_.at(&node).pending; }
  std::uint8_t& marks(Node& node) { return owns(node) ? node.sweep_marks : shared_.at(&node).marks; }
  bool is_marked(const Node& node, std::uint8_t mark) const {
    if (owns(node)) return node.sweep_marks & mark;
    const auto shared = shared_.find(&node);
    return shared != shared_.end() && shared->second.marks & mark;
  }
  bool is_on_path(const Node& node) const { return is_marked(node, kOnPath); }
  Node*& gradient(Node& node) { return owns(node) ? node.gradient : shared_.at(&node).gradient; }
  void refuse_within_hooks(const Node& leaf) const;

  static thread_local Sweep* innermost;  // of those that run on this thread

  Sweep* const outer_ = std::exchange(innermost, this);
  std::unordered_map<const Node*, Shared> shared_;
  const std::uint32_t id_ = next_sweep_id();
  const bool create_graph_, keep_;
  std::vector<Tensor> roots_;
  std::size_t claimed_ = 0;
  std::vector<Node*> order_;
  std::unordered_map<const Node*, std::vector<Tensor>> carried_;  ///< sums of kGroup, kGroup², … contributions
  std::unordered_map<const Node*, std::vector<std::size_t>> targets_;
  bool finished_ = false;
};

thread_local Sweep* Sweep::innermost = nullptr;

/// A hook that differentiates the leaf it hangs on would run itself without end.
void Sweep::refuse_within_hooks(const Node& leaf) const {
  for (const Sweep* sweep = outer_; sweep; sweep = sweep->outer_)
    if (sweep->is_marked(leaf, kHooks)) refuse_claimed(leaf);
}

bool Sweep::take(Node& node) {
  if (!shared_.empty() && shared_.contains(&node)) return false;
  std::uint32_t free = 0;
  if (!node.sweep.compare_exchange_strong(free, id_, std::memory_order_acquire, std::memory_order_relaxed)) {
    if (free == id_) return false;
    if (!node.is_leaf()) refuse_claimed(node);
    refuse_within_hooks(node);
    shared_.emplace(&node, Shared());
    ++claimed_;
    return true;
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
    for_moving_inputs(node, [&](Node& input) {
      if (take(input)) stack.push_back(&input);
      ++pending(input);
    });
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
  add(engine::node_of(output), std::move(cotangent));
}

void Sweep::put_in_order() {
  order_.reserve(claimed_);
  for (const Tensor& root : roots_) {
    Node& node = engine::node_of(root);
    if (pending(node) != 0 || is_marked(node, kPlaced)) continue;
    marks(node) |= kPlaced;
    order_.push_back(&node);
  }
  for (std::size_t next = 0; next < order_.size(); ++next) {
    for_moving_inputs(*order_[next], [&](Node& input) {
      if (--pending(input) == 0) order_.push_back(&input);
    });
  }
}

void Sweep::mark_targets(std::span<const Tensor> targets) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Node& node = engine::node_of(targets[i]);
    targets_[&node].push_back(i);
    if (visits(node)) marks(node) |= kTarget | kOnPath;
  }
  for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
    Node& node = **it;
    for_moving_inputs(node, [&](const Node& input) {
      if (is_on_path(input)) marks(node) |= kOnPath;
    });
  }
}

void Sweep::add(Node& to, Tensor contribution) {
  Node*& gathered = gradient(to);
  Tensor sum = engine::adopt(std::exchange(gathered, nullptr));
  gathered = engine::release(sum.defined() ? joined(std::move(sum), std::move(contribution)) : std::move(contribution));
}

Tensor Sweep::joined(Tensor sum, Tensor contribution) const {
  const auto owned_alone = [](const Tensor& t) {
    const Node& n = engine::node_of(t);
    return n.value_refs.get() == 1 && n.record_refs.get() == 1 && n.storage && n.storage->unique() && n.contiguous();
  };
  if (!create_graph_ && owned_alone(sum))
    add_in_place(sum, contribution);
  else if (!create_graph_ && owned_alone(contribution))
    add_in_place(contribution, sum), sum = std::move(contribution);
  else
    sum = add_gradients(sum, contribution);
  return sum;
}

// So many contributions are added to a node's gradient one after another, and so many of these sums, and so on: the
// error grows with the logarithm of their number.
constexpr std::uint32_t kGroup = kChain / 2;

/// Moves the gradient of a node, a sum of kGroup contributions, to the sums of its groups.
void Sweep::carry(Node& node) {
  std::vector<Tensor>& sums = carried_[&node];
  Tensor sum = engine::adopt(std::exchange(gradient(node), nullptr));
  std::uint32_t groups = pending(node) / kGroup;
  for (std::size_t level = 0;; ++level, groups /= kGroup) {
    if (level == sums.size()) sums.emplace_back();
    sum = sums[level].defined() ? joined(std::exchange(sums[level], Tensor()), std::move(sum)) : std::move(sum);
    if (groups % kGroup != 0) {
      sums[level] = std::move(sum);
      return;
    }
  }
}

/// The whole gradient of a node; undefined when there is none.
Tensor Sweep::take_gradient(Node& node) {
  Tensor whole = engine::adopt(std::exchange(gradient(node), nullptr));
  if (carried_.empty()) return whole;
  if (const auto carried = carried_.find(&node); carried != carried_.end()) {
    for (Tensor& sum : carried->second)
      if (sum.defined()) whole = whole.defined() ? joined(std::move(sum), std::move(whole)) : std::move(sum);
    carried_.erase(carried);
  }
  return whole;
}

/// sum + term, and what rounding takes from it to `rest`, which is added the next time.
Tensor add_with_rest(const Tensor& sum, const Tensor& term, Tensor& rest) {
  const Tensor a = sum.contiguous(), b = term.contiguous();
  Tensor result = empty(sum.shape(), sum.dtype()), left = empty(sum.shape(), sum.dtype());
  if (!rest.defined()) (rest = empty(sum.shape(), sum.dtype())).fill(0);
  dispatch_floating(sum.dtype(), [&]<class T>() {
    const T *x = a.data<T>().data(), *y = b.data<T>().data(), *r = rest.data<T>().data();
    T *to = result.mutable_data<T>().data(), *lost = left.mutable_data<T>().data();
    for (std::int64_t i = 0; i < sum.numel(); ++i) {
      const T added = y[i] + r[i], s = x[i] + added, of_added = s - x[i];
      to[i] = s;
      // Where the sum is no longer finite there is nothing to keep.
      lost[i] = s - s == 0 ? (x[i] - (s - of_added)) + (added - of_added) : T{0};
    }
  });
  rest = std::move(left);
  return result;
}

void Sweep::deliver(Node& node, const Tensor& gradient) const {
  NodeExtra& extra = extra_of(node);
  Tensor before;  // goes when the lock has: it may be the last of a graph
  const std::lock_guard lock(extra.gradient_mutex);
  before = extra.gradient;
  const auto is_dense = [](const Tensor& t) { return !t.row_sparse(); };
  if (before.defined() && !create_graph_ && is_dense(before) && is_dense(gradient) && ++extra.passes > kChain) {
    extra.gradient = add_with_rest(before, gradient, extra.gradient_rest);
  } else if (before.defined()) {
    extra.gradient = add_gradients(before, gradient);
  } else if (create_graph_ || gradient.row_sparse()) {
    extra.gradient = gradient;
  } else {
    // A buffer that others see (one cotangent handed to two leaves, a broadcast) must not become a leaf's own.
    const Node& g = engine::node_of(gradient);
    const bool alone = g.value_refs.get() == 1 && g.storage->unique() && g.contiguous();
    extra.gradient = alone ? gradient : gradient.clone();
  }
}

inline void Sweep::pull(Node& node, std::span<const Tensor> cotangents, bool* wanted, Tensor* contributions) {
  const std::size_t count = node.edge_count;
  const Edge* const edges = node.edges();
  bool any = false;
  for (std::size_t i = 0; i < count; ++i) {
    const Node* input = edges[i].node();
    wanted[i] = input && input->requires_grad && !node.op->fixed.has(static_cast<int>(i)) && is_on_path(*input);
    any |= wanted[i];
  }
  if (!any) return;
  node.op->pull(node, cotangents, {wanted, count}, {contributions, count});
  const bool anomaly = thread_state().anomaly;
  for (std::size_t i = 0; i < count; ++i) {
    if (!wanted[i] || !contributions[i].defined()) continue;
    Node& input = *edges[i].node();
    if (engine::node_of(contributions[i]).shape != input.shape && broadcasts_to(input.shape, contributions[i].shape()))
      contributions[i] = sum_to(contributions[i], input.shape);
    if (!is_gradient_of(input, contributions[i])) [[unlikely]]
      refuse_gradient(input, contributions[i], "the gradient rule of " + op_name(node));
    if (anomaly) [[unlikely]]
      require_finite(contributions[i], "backward", *node.op, node);
    std::uint32_t& arrived = pending(input);
    if (arrived > 0 && arrived % kGroup == 0 && gradient(input)) carry(input);
    ++arrived;
    add(input, std::move(contributions[i]));
  }
}

void Sweep::propagate(Node& node, std::span<const Tensor> cotangents) {
  require_saved(node, "backward");
  if (node.op->kind == OpKind::part) return propagate_part(node, cotangents[0]);
  const std::size_t count = node.edge_count;
  constexpr std::size_t kFew = 2;
  if (count <= kFew) [[likely]] {
    bool wanted[kFew];
    Tensor contributions[kFew];
    return pull(node, cotangents, wanted, contributions);
  }
  const std::unique_ptr<bool[]> wanted(new bool[count]);
  std::vector<Tensor> contributions(count);
  pull(node, cotangents, wanted.get(), contributions.data());
}

// The cotangents of one call's results come together.
void Sweep::propagate_part(const Node& part, const Tensor& gradient) const {
  Node& call = *part.edges()[0].node();
  std::vector<Tensor>& all = extra_of(call).cotangents;
  all.resize(call.op->results.size());
  Tensor& own = all[static_cast<std::size_t>(part.scalar_input)];
  own = own.defined() ? joined(std::move(own), gradient) : gradient;
}

void Sweep::run(std::span<const Tensor> targets, std::vector<Tensor>* found) {
  put_in_order();
  if (found)
    mark_targets(targets);
  else
    for (Node* node : order_) marks(*node) |= kOnPath;

  const GradMode mode(create_graph_);
  const TracedSweep traced(create_graph_);
  // What the gradient records is marked as its own.
  std::optional<Scope> scope;
  if (create_graph_) scope.emplace("gradient", Location());
  for (Node* node : order_) {
    Tensor gradient = take_gradient(*node);
    if (gradient.defined() && is_on_path(*node)) {
      if (NodeExtra* extra = find_extra(*node)) {
        marks(*node) |= kHooks;
        // By index and by copy: a hook may add or remove hooks.
        for (std::size_t i = 0; i < extra->hooks.size(); ++i) {
          const auto [number, hook] = extra->hooks[i];
          Tensor replaced = hook(gradient);
          if (!replaced.defined()) continue;
          if (!is_gradient_of(*node, replaced)) refuse_gradient(*node, replaced, "hook " + std::to_string(number));
          gradient = std::move(replaced);
        }
        marks(*node) &= static_cast<std::uint8_t>(~kHooks);
        if (!found && extra->retain_gradient && !node->is_leaf()) deliver(*node, gradient);
      }
      if (is_marked(*node, kTarget))
        for (std::size_t i : targets_[node]) (*found)[i] = gradient;
      const Trace::Timer timer(traced.trace());
      if (!node->is_leaf())
        propagate(*node, {&gradient, 1});
      else if (!found)
        deliver(*node, gradient);
      timer.stop(*node, gradient);
    } else if (NodeExtra* extra = find_extra(*node); extra && !extra->cotangents.empty()) {
      const std::vector<Tensor> cotangents = std::exchange(extra->cotangents, {});
      const Trace::Timer timer(traced.trace());
      propagate(*node, cotangents);
      timer.stop(*node, {});
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
    if (!owns(*node) || node->sweep_marks & kAbandoned) return;
    node->sweep_marks |= kAbandoned;
    if (Node* gradient = std::exchange(node->gradient, found)) gradient->release_value();
    if (!node->is_leaf() && node->extra) node->extra->cotangents.clear();
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
  for (const Tensor& root : roots_) visit(&engine::node_of(root));
  drain();
  for (Node* node : order_) visit(node);  // below nodes that had already been finished
  drain();
}

void require_differentiable(const char* what, const Tensor& output) {
  if (output.requires_grad()) return;
  throw GraphError(std::string(what) + ": " + describe(output) +
                   " does not require a gradient: it was computed from no parameter, or under NoGrad, or detached");
}

void require_single(const Tensor& output) {
  if (output.numel() == 1) return;
  throw ShapeError("backward: the output has shape " + to_string(output.shape()) +
                   ", not one element; reduce it with sum() or mean(), or pass a cotangent of that shape");
}

}  // namespace

namespace {

[[noreturn, gnu::cold]] void refuse_changed_input(const Node& node, std::size_t i, const char* what) {
  const Node& input = *node.edges()[i].node();
  throw GraphError(std::string(what) + ": " + op_name(node) + where(node) + " saved its input '" +
                   input_name(*node.op, i) + "', " + describe(input) + ", at version " +
                   std::to_string(node.versions()[i]) + ", which has since been changed in place (version " +
                   std::to_string(input.version()) + "); change it after " + what + ", or give the op a clone()");
}

[[noreturn, gnu::cold]] void refuse_changed_result(const Node& node, const std::string& name, const Node& result,
                                                   const char* what) {
  throw GraphError(std::string(what) + ": the result of " + name + where(node) + ", " + describe(result) +
                   ", is needed for its gradient and has been changed in place; work on a clone()");
}

void require_held(const Node& node, const char* what) {
  const std::vector<HeldValue>* held = node.op->held(node);
  for (const HeldValue& h : *held)
    if (h.result >= 0 && h.value.version() != h.version)
      refuse_changed_result(node,
                            op_name(node) + "." + std::string(node.op->results[static_cast<std::size_t>(h.result)]),
                            engine::node_of(h.value), what);
}

}  // namespace

void require_saved(const Node& node, const char* what) {
  if (node.released) [[unlikely]]
    refuse_released(node, what);
  for (std::size_t i = 0; i < node.edge_count; ++i) {
    const Edge edge = node.edges()[i];
    if (edge.saves() && edge.node()->version() != node.versions()[i]) [[unlikely]]
      refuse_changed_input(node, i, what);
  }
  if (node.saves_output && node.version() != node.output_version) [[unlikely]]
    refuse_changed_result(node, op_name(node), node, what);
  if (node.op->held) require_held(node, what);
}

void Tensor::backward(const BackwardOptions& options) const {
  require_differentiable("backward", *this);
  require_single(*this);
  backward(Tensor(), options);
}

void Tensor::backward(const Tensor& cotangent, const BackwardOptions& options) const {
  require_differentiable("backward", *this);
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
  for (const Tensor& output : outputs) require_differentiable("grad", output);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (cotangents.empty()) require_single(outputs[i]);
    sweep.start(outputs[i], cotangents.empty() ? Tensor() : cotangents[i]);
  }
  sweep.run(inputs, &found);
  return found;
}

std::vector<Tensor> grad(const Tensor& output, const std::vector<Tensor>& inputs, const BackwardOptions& options) {
  std::vector<Tensor> found = grad({&output, 1}, inputs, {}, options);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!found[i].defined()) (found[i] = empty(inputs[i].shape(), inputs[i].dtype())).fill(0);
  return found;
}

Tensor grad(const Tensor& output, const Tensor& input, const BackwardOptions& options) {
  return grad(output, std::vector<Tensor>{input}, options)[0];
}

}  // namespace tapegrad
