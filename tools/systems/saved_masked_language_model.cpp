#include "saved_masked_language_model.hpp"

#include <algorithm>
#include <memory>
#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::tools {

std::vector<std::int32_t> TextTokens::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  pairs.encode(text, ids);
  ids.resize(std::min(ids.size(), static_cast<std::size_t>(longest)));
  if (ids.empty()) ids.push_back(data::BytePairs::kEnd);
  return ids;
}

data::SampleDataset dataset_of(const TextTokens& tokens, const std::vector<std::string>& texts,
                               const std::vector<std::int32_t>& classes) {
  const auto ids = std::make_shared<std::vector<std::vector<std::int32_t>>>();
  for (const std::string& text : texts) ids->push_back(tokens.encode(text));
  return {std::ssize(texts),
          [ids, classes](std::int64_t row) {
            const auto i = static_cast<std::size_t>(row);
            data::Sample sample{{copy_of((*ids)[i])}, {}};
            if (!classes.empty()) sample.target = full({}, static_cast<double>(classes[i]), i64);
            return sample;
          },
          data::pad_and_stack};
}

std::vector<std::int64_t> lengths_of(const data::SampleDataset& texts) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t row = 0; row < texts.size(); ++row)
    lengths.push_back(texts.batch(std::span(&row, 1)).inputs[0].size(1));
  return lengths;
}

std::unique_ptr<nn::models::MaskedLanguageModel> SavedMasked::make(Rng& rng) const {
  nn::models::ContextEncoderOptions all = options;
  all.rng = &rng;
  return std::make_unique<Model>(all);
}

}  // namespace tapegrad::tools
