#include <algorithm>
#include <tapegrad/core/record.hpp>
#include <tapegrad/core/trace.hpp>
#include <utility>

namespace tapegrad {
namespace {

constexpr OpInfo kDetach{.name = "detach",
                         .formula = "y = x",
                         .doc = "The same value; no gradient goes through.",
                         .saves = kSavesNothing,
                         .kind = Kind::numeric,
                         .differentiable = false};

}  // namespace

constexpr InputInfo kDetachInputs[] = {{.name = "x"}};
constexpr OpRecord kDetachRecord{.info = &kDetach, .inputs = kDetachInputs};

Trace::Trace(Keep keep) : outer_(std::exchange(thread_state().trace, this)), keep_(keep) {}

Trace::~Trace() {
  thread_state().trace = outer_;
  if (failure_)
    for (Node* input : failure_->inputs)
      if (input) input->release_record();
  for (Node* node : outputs_) node->release_record();
  for (Node* node : nodes_) node->release_record();
}

Trace* Trace::current() { return thread_state().trace; }

void Trace::add(Node& result) {
  nodes_.push_back(&result);
  result.retain_record();
  if (keep_ != Keep::measurements) return;
  measured_[&result].value = engine::tensor_of(result);
  for (std::size_t i = 0; i < result.edge_count; ++i)
    if (Node* input = result.edges()[i].node(); input && input->is_leaf())
      measured_.try_emplace(input, Measured{.value = engine::tensor_of(*input), .gradient = {}});
}

void Trace::add_output(Node& output) {
  if (std::find(outputs_.begin(), outputs_.end(), &output) != outputs_.end()) return;
  outputs_.push_back(&output);
  output.retain_record();
}

const Trace::Measured* Trace::measured(const Node& node) const {
  const auto found = measured_.find(&node);
  return found == measured_.end() ? nullptr : &found->second;
}

Trace::Timer::Timer(Trace* trace) : trace_(trace && trace->keep_ == Keep::measurements ? trace : nullptr) {
  if (trace_) [[unlikely]]
    start_ = std::chrono::steady_clock::now();
}

double Trace::Timer::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

Tensor Trace::Timer::stop(Tensor result) const {
  if (trace_) [[unlikely]]
    if (const auto found = trace_->measured_.find(&engine::node_of(result)); found != trace_->measured_.end())
      found->second.seconds = seconds();
  return result;
}

void Trace::Timer::stop(const Node& node, const Tensor& gradient) const {
  if (!trace_) return;
  const double taken = seconds();
  Measured& measured = trace_->measured_[&node];
  // The node itself is a leaf that the trace has not recorded, or one that it keeps.
  if (!measured.value.defined()) measured.value = engine::tensor_of(const_cast<Node&>(node));
  measured.gradient = gradient;
  measured.gradient_seconds = measured.gradient_seconds.value_or(0) + taken;
}

void Trace::fail(const OpRecord& op, std::span<const Tensor* const> inputs, std::string message) {
  if (failure_) return;  // the first one; what else throws does so on the way out
  failure_.emplace(Failure{&op, {}, std::move(message)});
  for (const Tensor* input : inputs) {
    Node* node = input->defined() ? &engine::node_of(*input) : nullptr;
    if (node) node->retain_record();
    failure_->inputs.push_back(node);
  }
}

}  // namespace tapegrad
