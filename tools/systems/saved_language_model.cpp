#include "saved_language_model.hpp"

namespace tapegrad::tools {

std::unique_ptr<nn::models::LanguageModel> SavedLanguage::make(Rng& rng) const {
  nn::models::LanguageModelOptions all = options;
  all.rng = &rng;
  return Model::make(all);
}

void write_text(const SavedModel<SavedLanguage>& saved, std::string_view prompt, nn::models::GenerateOptions options,
                Rng& rng, const std::function<void(std::string_view)>& emit) {
  const data::BytePairs& tokens = saved.system.tokens;
  std::vector<std::int32_t> ids{data::BytePairs::kEnd};  // what a text begins after
  tokens.encode(prompt, ids);
  options.end = data::BytePairs::kEnd;
  generate(*saved.model, ids, options, rng, [&](std::int32_t token) { emit(tokens.bytes(token)); });
}

}  // namespace tapegrad::tools
