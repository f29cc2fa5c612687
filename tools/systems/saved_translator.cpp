#include "saved_translator.hpp"

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>

#include "../attention_picture.hpp"
#include "text_pairs.hpp"

namespace tapegrad::tools {
namespace {

/// As tokens look in a picture: a space in front of a word is a bar.
std::vector<std::string> labels(const data::BytePairs& pairs, const std::vector<std::int32_t>& tokens) {
  std::vector<std::string> names;
  for (const std::int32_t token : tokens) {
    std::string name = token == data::BytePairs::kEnd ? "(end)" : std::string(pairs.bytes(token));
    if (name.starts_with(' ')) name.replace(0, 1, "\u2581");
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

std::unique_ptr<nn::models::Translator> SavedTranslator::make(Rng& rng) const {
  nn::models::TranslatorOptions all = options;
  all.rng = &rng;
  return std::make_unique<Model>(all);
}

void SavedTranslator::read_files(const std::filesystem::path& folder) {
  tokens = read_token_file(folder, options.tokens);
  if (languages.size() != 2)
    throw IoError(fmt::format("{}: has {} languages; expected two", (folder / kConfig).string(), languages.size()));
}

std::vector<std::int32_t> SavedTranslator::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  tokens.encode(with_single_spaces(text), ids);
  ids.push_back(data::BytePairs::kEnd);
  return ids;
}

std::vector<Translation> translations_of(const SavedModel<SavedTranslator>& saved, std::string_view text,
                                         const TranslateOptions& options) {
  const std::vector<std::int32_t> source = saved.system.encode(text);
  if (source.size() == 1) return {Translation{}};
  // Far more than any translation needs, for one that does not end.
  const std::int64_t longest = 2 * std::ssize(source) + 20;
  std::vector<Translation> found;
  for (nn::Hypothesis& best :
       saved.model->translate(source, data::BytePairs::kEnd,
                              {.beams = options.beams, .longest = longest, .length_penalty = options.length_penalty}))
    found.push_back({saved.system.tokens.decode(best.tokens), best.score, std::move(best.tokens)});
  return found;
}

std::string attention_picture(const SavedModel<SavedTranslator>& saved, std::string_view text,
                              const Translation& translation) {
  const std::vector<std::int32_t> source = saved.system.encode(text);
  std::vector<std::int32_t> before{data::BytePairs::kEnd}, written = translation.tokens;
  before.insert(before.end(), written.begin(), written.end());
  written.push_back(data::BytePairs::kEnd);
  return attention_svg(saved.model->attention(source, before), labels(saved.system.tokens, written),
                       labels(saved.system.tokens, source));
}

}  // namespace tapegrad::tools
