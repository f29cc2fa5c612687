#include <tapegrad/core/record.hpp>
#include <tapegrad/train/internal/batch_checks.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <unordered_set>

namespace tapegrad::train {

void require_batch(const data::Batch& batch, const std::string& where) {
  if (batch.rows < 1)
    throw ValueError(fmt::format("{}: Batch::rows is {}; a batch has 1 row at least", where, batch.rows));
  if (batch.inputs.empty()) throw ValueError(fmt::format("{}: the batch has no inputs", where));
  for (std::size_t i = 0; i < batch.inputs.size(); ++i)
    if (!batch.inputs[i].defined()) throw ValueError(fmt::format("{}: input {} of the batch is undefined", where, i));
}

void require_output(const Tensor& output, const nn::Module& model) {
  if (!output.defined()) throw ValueError(fmt::format("forward of {} returned an undefined tensor", model.describe()));
}

UntrainedLeaves::UntrainedLeaves(const nn::Module& model, const NamedTensors& trained)
    : model_(model), known_(trained) {
  for (NamedTensor& parameter : model.named_parameters()) known_.push_back(std::move(parameter));
}

void UntrainedLeaves::check(const Tensor& loss) {
  if (steps_ >= 2) return;
  ++steps_;
  std::unordered_set<const Node*> visited, seen;
  for (const auto& [name, tensor] : known_) visited.insert(&engine::node_of(tensor));
  for (const Tensor& leaf : seen_) seen.insert(&engine::node_of(leaf));
  std::vector<Tensor> found;
  std::vector<Node*> open{&engine::node_of(loss)};
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    if (!node->requires_grad || !visited.insert(node).second) continue;
    if (node->is_leaf()) {
      if (seen.contains(node))
        throw ValueError(fmt::format(
            "fit: the loss depends on {}, which requires a gradient, but is no parameter of {} nor of the optimiser, "
            "so "
            "that nothing trains it. A layer needs its owner and a name, as in nn::Linear out{{*this, \"out\", 8, 2}}; "
            "what is not to be trained is frozen by set_requires_grad(false)",
            describe(*node), model_.describe()));
      if (node->storage) found.push_back(engine::tensor_of(*node));
    }
    for (int i = 0; i < static_cast<int>(node->edge_count); ++i)
      if (Node* input = node->edges()[i].node()) open.push_back(input);
  }
  seen_ = steps_ == 1 ? std::move(found) : std::vector<Tensor>{};
}

}  // namespace tapegrad::train
