#include <tapegrad/op/structural.hpp>

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/trace.hpp>
#include <tapegrad/op/internal/conversions.hpp>

namespace tapegrad {
namespace {

template <class T>
using Few = boost::container::small_vector<T, 4>;
using Tensors = Few<Tensor>;

std::span<const Tensor> span_of(const Tensors& tensors) { return {tensors.data(), tensors.size()}; }

// Inputs as the op wants them: defined, of one dtype, which floats where the op does, not row-sparse.
Tensors prepare(const OpRecord& op, std::span<const Tensor> inputs) {
  Tensors prepared(inputs.begin(), inputs.end());
  if (!op.takes_list()) prepared.resize(op.inputs.size());
  DType common = DType::boolean;
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    if (!prepared[i].defined() && op.input(i).optional) continue;
    if (!prepared[i].defined())
      throw ValueError(std::string(op.info->name) + ": input '" + input_name(op, i) + "' is undefined");
    if (!op.input(i).fixed) common = promote(common, prepared[i].dtype());
  }
  if (op.info->kind == Kind::floating && !is_floating(common)) common = f32;
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    if (!prepared[i].defined()) continue;
    if (!op.input(i).fixed && prepared[i].dtype() != common) prepared[i] = cast(prepared[i], common);
    if (prepared[i].row_sparse()) prepared[i] = prepared[i].to_dense();
  }
  return prepared;
}

Tensors made_dense(const Tensors& inputs) {
  Tensors dense;
  for (const Tensor& t : inputs) {
    dense.push_back(t.defined() ? t.contiguous() : t);
    // A copy tells op::keep_for() the same as what it is of.
    if (t.defined() && !t.same_as(dense.back())) engine::node_of(dense.back()).requires_grad = t.requires_grad();
  }
  return dense;
}

Few<const Tensor*> pointers_to(const Tensors& tensors) {
  Few<const Tensor*> pointers;
  for (const Tensor& t : tensors) pointers.push_back(&t);
  return pointers;
}

const StructuralTable& table_of(const OpRecord& op) { return *static_cast<const StructuralTable*>(op.table); }

void run_structural(const OpRecord& op, std::span<const Tensor> inputs, CallState* call, std::span<Tensor> results) {
  const StructuralTable& table = table_of(op);
  AttributeOwner owner{op, call};
  check_input_count(op, inputs.size());
  const Tensors given = prepare(op, inputs);
  const Tensors dense = table.takes_strides ? Tensors() : made_dense(given);
  const Tensors& read = table.takes_strides ? given : dense;
  {
    const GradMode off(false);  // what forward() runs on tensors is no part of the graph
    table.run(*call, span_of(read), results);
  }
  const Few<const Tensor*> pointers = pointers_to(given);
  const std::span<const Tensor* const> of_node(pointers.data(), pointers.size());
  Few<bool> saved(given.size(), false);
  const std::span<bool> saved_inputs(saved.data(), saved.size());
  bool saves_result = false;
  if (table.keep && records(op, of_node)) {
    Keeper keeper(op, span_of(given), span_of(read), results, saved_inputs, *call);
    table.keep(*call, keeper);
    saves_result = keeper.saves_result();
  } else if (table.forget) {
    table.forget(*call);
  }
  owner.held = nullptr;
  if (op.results.empty())
    record(engine::node_of(results[0]), op, of_node, call, {saved_inputs, saves_result});
  else
    record_several(results, op, of_node, call, saved_inputs);
}

/// Runs a call; tells the trace, and names the op, if it fails.
template <class Run>
void traced(const OpRecord& op, std::span<const Tensor> inputs, const Run& run) try {
  run();
} catch (const std::exception&) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  rethrow_failure(op, pointers);
}

// Places of kept values: the inputs by number, then
constexpr int kNowhere = -1, kResult = -2, kFirstHeld = -3;

}  // namespace

void call_structural(const OpRecord& op, std::span<const Tensor> inputs, CallState* call, std::span<Tensor> results) {
  traced(op, inputs, [&] {
    const Trace::Timer timer;
    run_structural(op, inputs, call, results);
    if (op.results.empty())
      results[0] = timer.stop(std::move(results[0]));
    else if (const Node& first = engine::node_of(results[0]); first.op)
      timer.stop(engine::tensor_of(*first.edges()[0].node()));
  });
}

int Keeper::place(Tensor& kept, bool first_order) {
  const Tensor value = std::exchange(kept, {});
  if (!value.defined()) return kNowhere;
  for (std::size_t i = 0; i < given_.size(); ++i)
    if (value.same_as(given_[i]) || value.same_as(read_[i])) {
      saved_[i] = true;
      return static_cast<int>(i);
    }
  HeldValue held{value, value.version(), -1};
  for (std::size_t i = 0; i < results_.size(); ++i)
    if (value.same_as(results_[i])) {
      if (results_.size() == 1) {
        saves_result_ = true;
        return kResult;
      }
      // Another handle to its buffer: the result's own node holds the call, and would hold itself.
      held.value = make_view(value, value.shape(), engine::node_of(value).strides, 0);
      held.result = static_cast<int>(i);
    }
  if (held.result < 0 && !first_order && is_floating(value.dtype()))
    throw GraphError(std::string(op_.info->name) + ": keeps " + describe(value) +
                     ", which is neither an input nor a result, so that gradients of its gradient would be wrong; make "
                     "it a result, compute it anew in pull(), or keep it as op::FirstOrder");
  call_.held.push_back(std::move(held));
  return kFirstHeld - static_cast<int>(call_.held.size() - 1);
}

Tensor kept_value(int place, const Node& node, const CallState& call) {
  if (place == kNowhere) return {};
  if (place == kResult) return engine::tensor_of(const_cast<Node&>(node));
  if (place >= 0) return engine::tensor_of(*node.edges()[place].node());
  const HeldValue& held = call.held[static_cast<std::size_t>(kFirstHeld - place)];
  if (held.result < 0 || !grad_enabled() || !is_floating(held.value.dtype())) return held.value;
  return result_again(const_cast<Node&>(node), held.result, held.value);
}

void check_input_count(const OpRecord& op, std::size_t count) {
  const std::size_t most = op.inputs.size();
  std::size_t least = most;
  while (least > 0 && op.inputs[least - 1].optional) --least;
  if (count >= least && (op.takes_list() || count <= most)) return;
  std::string names;
  for (const InputInfo& input : op.inputs) names += (names.empty() ? "" : ", ") + std::string(input.name);
  throw ValueError(std::string(op.info->name) + ": takes " +
                   (op.takes_list() && least == 1 ? "one or more"
                    : op.takes_list()             ? std::to_string(least) + " or more"
                    : least < most                ? std::to_string(least) + " to " + std::to_string(most)
                                                  : std::to_string(most)) +
                   " inputs (" + names + "), got " + std::to_string(count));
}

namespace detail {

void allocate(Tensor& spec) { allocate_value(engine::node_of(spec)); }

void require_filled(const OpInfo& info, const Tensor& out, const Shape& shape, DType dtype) {
  const std::string declared = std::string(name_of(dtype)) + " " + to_string(shape);
  if (!out.defined() || out.shape() != shape || out.dtype() != dtype || !engine::node_of(out).dense() ||
      out.requires_grad())
    throw ValueError(std::string(info.name) + ": it declared a result of " + declared + ", and forward() gave " +
                     (out.defined() ? describe(out) : "an undefined tensor") +
                     "; forward() fills the tensor it is given");
}

void take_contributions(const OpRecord& op, std::span<Tensor> given, std::span<Tensor> out) {
  if (op.takes_list() && given.size() + 1 == op.inputs.size()) return;  // an empty list: all zero
  if (given.size() != out.size())
    throw GraphError(std::string(op.info->name) + ": its gradient gives " + std::to_string(given.size()) +
                     " contributions for " + std::to_string(out.size()) + " inputs");
  std::move(given.begin(), given.end(), out.begin());
}

}  // namespace detail

namespace op {

struct Spelled {
  int first, second_1;
};
static_assert(kMemberNames<Spelled>[1] == "second_1", "this compiler spells addresses of members in another way");

Tensor spec(const Shape& shape, DType dtype) { return engine::adopt(Node::create(shape, dtype)); }

const Tensor& FirstOrder::value() const {
  if (grad_enabled())
    throw GraphError(
        "a value kept for the first derivative is read where gradients are recorded; pull() has to compute it from "
        "inputs and results there");
  return value_;
}

}  // namespace op

}  // namespace tapegrad
