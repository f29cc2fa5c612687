#include <tapegrad/core/create.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/transformer.hpp>
#include <tapegrad/ops/view.hpp>

#include "examples.hpp"

namespace tapegrad::tools {
namespace {

struct LanguageModel : nn::Module {
  nn::Embedding embedding{*this, "embedding", 1000, 48, {.sparse = false}};
  nn::LearnedPositions positions{*this, "positions", 16, 48};
  nn::TransformerEncoder encoder{*this, "encoder", 12, 48, 4};
  nn::Linear output{*this, "output", 48, 1000};
  Tensor forward(const Tensor& tokens) const {
    return output(encoder(positions(embedding(tokens)), nn::AttentionCall{.causal = true}));
  }
};

}  // namespace

graph::ComputationGraph transformer_example(bool times) {
  const LanguageModel model;
  Tensor tokens = zeros({2, 16}, i64), next = zeros({2 * 16}, i64);
  tokens.set_name("tokens");
  next.set_name("next tokens");
  return recorded("Transformer", times, [&] {
    return nn::cross_entropy(reshape(model.forward(tokens), {2 * 16, 1000}), next);
  });
}

}  // namespace tapegrad::tools
