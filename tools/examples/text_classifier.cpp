#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/nn/loss.hpp>
#include <tapegrad/nn/models/text_classifier.hpp>

#include "examples.hpp"

namespace tapegrad::tools {

graph::ComputationGraph text_classifier_example(bool times) {
  Rng rng(0);
  nn::models::TextClassifier model({.vocabulary = 10'000, .classes = 10, .embedding = 32, .hidden = {64}, .rng = &rng});
  Tensor words = tensor({4, 8, 15, 16, 23, 42, 4, 8}, i64), offsets = tensor({0, 3, 8}, i64);
  Tensor classes = tensor({1, 7}, i64);
  words.set_name("words");
  offsets.set_name("offsets");
  classes.set_name("classes");
  return recorded("Text classifier", times, [&] { return nn::cross_entropy(model.forward(words, offsets), classes); });
}

}  // namespace tapegrad::tools
