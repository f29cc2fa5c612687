#include "text_classifier.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/normalization.hpp>

namespace tapegrad::tools {

using nlohmann::ordered_json;

TextClassifier::TextClassifier(const TextClassifierSizes& sizes, Rng& rng)
    : embedding(*this, "embedding", sizes.vocabulary, sizes.embedding, {.sparse = sizes.sparse, .rng = &rng}),
      mean_dropout(*this, "mean_dropout", sizes.mean_dropout),
      dropout(*this, "dropout", sizes.dropout),
      output(*this, "output", sizes.hidden.empty() ? sizes.embedding : sizes.hidden.back(), sizes.classes,
             {.rng = &rng}) {
  std::int64_t width = sizes.embedding;
  for (const std::int64_t next : sizes.hidden) {
    hidden.emplace_back(width, next, nn::LinearOptions{.rng = &rng});
    width = next;
  }
}

Tensor TextClassifier::classify(const Tensor& words, const Tensor& offsets) {
  Tensor x = pooling(words, offsets);
  if (hidden.size() > 0) x = mean_dropout(layer_norm(x, {x.size(-1)}));
  for (nn::Linear& layer : hidden) x = dropout(relu(layer(x)));
  return output(x);
}

namespace {

constexpr int kConfigVersion = 1;
constexpr std::string_view kKind = "text classifier";

}  // namespace

std::string config_json(const TextClassifierSizes& sizes, const std::vector<std::string>& class_names,
                        const data::TextEncoder& encoder) {
  const ordered_json config = {{"kind", kKind},
                               {"version", kConfigVersion},
                               {"classes", class_names},
                               {"embedding", sizes.embedding},
                               {"hidden", sizes.hidden},
                               {"dropout", sizes.dropout},
                               {"mean_dropout", sizes.mean_dropout},
                               {"sparse", sizes.sparse},
                               {"vocabulary", sizes.vocabulary},
                               {"max_length", encoder.options().max_length},
                               {"keep_unknown", encoder.options().keep_unknown},
                               {"lower_case", encoder.tokenizer().options().lower_case},
                               {"strip_html", encoder.tokenizer().options().strip_html}};
  return config.dump(2) + "\n";
}

SavedClassifier SavedClassifier::load(const std::filesystem::path& folder, const LoadOptions& options) {
  TextClassifierSizes sizes;
  data::EncoderOptions encoder;
  data::TokenizerOptions tokenizer;
  Config config(folder);
  config.require(kKind, kConfigVersion);
  std::vector<std::string> classes = config.names("classes");
  sizes.embedding = config.size("embedding");
  sizes.hidden = config.sizes("hidden");
  sizes.dropout = config.number("dropout");
  sizes.mean_dropout = config.number("mean_dropout");
  sizes.sparse = config.flag("sparse");
  sizes.vocabulary = config.size("vocabulary", 1, std::numeric_limits<std::int32_t>::max());
  encoder.max_length = config.size("max_length", 0, std::numeric_limits<std::int64_t>::max());
  encoder.keep_unknown = config.flag("keep_unknown");
  tokenizer.lower_case = config.flag("lower_case");
  tokenizer.strip_html = config.flag("strip_html");
  config.finish();
  sizes.classes = static_cast<std::int64_t>(classes.size());
  const NamedTensors weights = read_weights(folder, options);
  data::Vocabulary vocabulary = data::Vocabulary::load(folder / kVocabulary);
  if (vocabulary.size() != sizes.vocabulary)
    throw IoError((folder / kVocabulary).string() + ": has " + std::to_string(vocabulary.size()) + " entries, where " +
                  config.file() + " says " + std::to_string(sizes.vocabulary));
  Rng rng;
  SavedClassifier saved = make_model(config, weights, [&] {
    return SavedClassifier{sizes, std::move(classes),
                           data::TextEncoder(data::Tokenizer(tokenizer), std::move(vocabulary), encoder),
                           TextClassifier(sizes, rng)};
  });
  put_weights(folder, weights, saved.model);
  return saved;
}

}  // namespace tapegrad::tools
