#pragma once
// A classifier of texts: Embedding → mean over the words → hidden layers → Linear. Before hidden layers the mean is
// normalised: a text of many words has a shorter one, which a linear layer reads as doubt and a hidden one as another
// place.

#include <limits>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <tapegrad/nn/pooling.hpp>
#include <vector>

namespace tapegrad::nn::models {

/// Sizes of a TextClassifier.
struct TextClassifierOptions {
  std::int64_t vocabulary = 0;
  std::int64_t classes = 0;
  std::int64_t embedding = 32;
  std::vector<std::int64_t> hidden = {};
  double dropout = 0;
  double mean_dropout = 0;
  bool sparse = true;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the classes, which are kept by name, and the generator.
  static constexpr auto fields() {
    using Self = TextClassifierOptions;
    constexpr Range kWords{1, std::numeric_limits<std::int32_t>::max()};
    return std::tuple{Setting{"embedding", &Self::embedding, "Width of the word vectors"},
                      Setting{"hidden", &Self::hidden, "Widths of hidden layers, as in --hidden 64 64"},
                      Setting{"dropout", &Self::dropout, "After each hidden layer"},
                      Setting{"mean_dropout", &Self::mean_dropout, "Before the hidden layers"},
                      Setting{"sparse", &Self::sparse, "Step only the rows of the embedding that a batch uses"},
                      Setting{"vocabulary", &Self::vocabulary, "Different words", kWords}};
  }
};

/// The mean of a text's word vectors, hidden layers, logits of classes.
struct TextClassifier : Module {
  /// ValueError if a size is below 1.
  explicit TextClassifier(const TextClassifierOptions& options);

  /// Ragged texts, as data::TextDataset makes them, to logits [texts, classes].
  Tensor forward(const Tensor& ids, const Tensor& offsets) { return classify(embedding(ids), offsets); }
  /// The same from word vectors [words, embedding], which explanations differentiate by.
  Tensor classify(const Tensor& words, const Tensor& offsets);

  Embedding embedding;
  GlobalAveragePooling1D pooling{*this, "pooling"};
  Dropout mean_dropout;
  ModuleList<Linear> hidden{*this, "hidden"};
  Dropout dropout;
  Linear output;
};

}  // namespace tapegrad::nn::models
