#pragma once
// The text classifier of `tapegrad train text`: Embedding → mean over the words → hidden layers → Linear, and what has
// to be saved with it to classify new texts. Before hidden layers the mean is normalised: a text of many words has a
// shorter one, which a linear layer reads as doubt and a hidden one as another place.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <tapegrad/data/encoded_texts.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/embedding.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/module_list.hpp>
#include <tapegrad/nn/pooling.hpp>
#include <vector>

#include "saved_model.hpp"

namespace tapegrad::tools {

/// Sizes of a TextClassifier; saved as config.json.
struct TextClassifierSizes {
  std::int64_t vocabulary = 0;
  std::int64_t embedding = 32;
  std::vector<std::int64_t> hidden;  ///< widths of the layers between the mean and the classes
  std::int64_t classes = 0;
  double dropout = 0;       ///< after each hidden layer
  double mean_dropout = 0;  ///< before the first
  bool sparse = true;       ///< step only the embedding rows that a batch uses
};

class TextClassifier : public nn::Module {
 public:
  TextClassifier(const TextClassifierSizes& sizes, Rng& rng);

  /// Ragged texts, as data::TextDataset makes them, to logits [texts, classes].
  Tensor forward(const Tensor& ids, const Tensor& offsets) { return classify(embedding(ids), offsets); }
  /// The same from word vectors [words, embedding], which explanations differentiate by.
  Tensor classify(const Tensor& words, const Tensor& offsets);

  nn::Embedding embedding;
  nn::GlobalAveragePooling1D pooling{*this, "pooling"};
  nn::Dropout mean_dropout;
  nn::ModuleList<nn::Linear> hidden{*this, "hidden"};
  nn::Dropout dropout;
  nn::Linear output;
};

/// A trained classifier with its vocabulary: a folder of config.json, vocabulary.txt and model.safetensors.
struct SavedClassifier {
  TextClassifierSizes sizes;
  std::vector<std::string> class_names;
  data::TextEncoder encoder;
  TextClassifier model;

  static constexpr std::string_view kConfig = "config.json", kVocabulary = "vocabulary.txt";
  /// Throws IoError that names the file when one is missing or does not fit the others.
  static SavedClassifier load(const std::filesystem::path& folder, const LoadOptions& options = {});
};

/// Everything that load() reads, as config.json says it.
std::string config_json(const TextClassifierSizes& sizes, const std::vector<std::string>& class_names,
                        const data::TextEncoder& encoder);

}  // namespace tapegrad::tools
