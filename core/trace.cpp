#include <tapegrad/core/record.hpp>
#include <tapegrad/core/trace.hpp>
#include <utility>

namespace tapegrad {
namespace {

constexpr OpInfo kDetach{.name = "detach",
                         .formula = "y = x",
                         .doc = "The same value; no gradient goes through.",
                         .inputs = {"x"},
                         .saves = kSavesNothing,
                         .kind = Kind::numeric,
                         .differentiable = false};

}  // namespace

constexpr OpRecord kDetachRecord{.info = &kDetach, .vjp = nullptr};

Trace::Trace() : outer_(std::exchange(thread_state().trace, this)) {}

Trace::~Trace() {
  thread_state().trace = outer_;
  if (failure_)
    for (Node* input : failure_->inputs)
      if (input) input->release_record();
  for (Node* node : nodes_) node->release_record();
}

Trace* Trace::current() { return thread_state().trace; }

void Trace::add(Node& result) {
  nodes_.push_back(&result);
  result.retain_record();
}

void Trace::fail(const OpRecord& op, std::span<const Tensor* const> inputs, std::string message) {
  if (failure_) return;  // the first one; what else throws does so on the way out
  failure_.emplace(Failure{&op, {}, std::move(message)});
  for (const Tensor* input : inputs) {
    Node* node = input->defined() ? &input->node() : nullptr;
    if (node) node->retain_record();
    failure_->inputs.push_back(node);
  }
}

}  // namespace tapegrad
