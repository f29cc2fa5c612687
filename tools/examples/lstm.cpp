#include <tapegrad/core/create.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/recurrent.hpp>
#include <tapegrad/ops/view.hpp>

#include "examples.hpp"

namespace tapegrad::tools {
namespace {

struct SentenceTagger : nn::Module {
  nn::Embedding embedding{*this, "embedding", 1000, 32, {.sparse = false}};
  nn::Lstm lstm{*this, "lstm", 32, 64, {.layers = 2}};
  nn::Linear output{*this, "output", 64, 5};
  Tensor forward(const Tensor& words) const { return output(lstm(embedding(words)).output); }
};

}  // namespace

graph::ComputationGraph lstm_example(bool times) {
  const SentenceTagger model;
  Tensor words = zeros({4, 12}, i64), tags = zeros({4 * 12}, i64);
  words.set_name("words");
  tags.set_name("tags");
  return recorded("LSTM", times, [&] { return nn::cross_entropy(reshape(model.forward(words), {4 * 12, 5}), tags); });
}

}  // namespace tapegrad::tools
