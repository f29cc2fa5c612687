#include "translation_memory.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tapegrad/data/tokenizer.hpp>

namespace tapegrad::tools {
namespace {

std::map<std::string, double> counts_of(std::string_view text) {
  const data::Tokenizer tokenizer({.strip_html = false});
  data::Words words;
  tokenizer.split(text, words);
  std::map<std::string, double> counts;
  for (const std::string_view word : words) ++counts[std::string(word)];
  return counts;
}

}  // namespace

TranslationMemory::TranslationMemory(const std::vector<std::string>& texts) : texts_(texts.size()) {
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (const auto& [word, count] : counts_of(texts[i])) words_[word].places.push_back({i, count});
  std::vector<double> squares(texts.size());
  for (auto& [name, word] : words_) {
    word.rarity = std::log(static_cast<double>(texts.size()) / static_cast<double>(word.places.size()));
    for (Place& place : word.places) squares[place.text] += std::pow(place.weight *= word.rarity, 2);
  }
  for (auto& [name, word] : words_)
    for (Place& place : word.places)
      if (squares[place.text] > 0) place.weight /= std::sqrt(squares[place.text]);
}

std::size_t TranslationMemory::nearest(std::string_view text) const {
  std::vector<double> near(texts_);
  for (const auto& [name, count] : counts_of(text))
    if (const auto word = words_.find(name); word != words_.end())
      for (const Place& place : word->second.places) near[place.text] += count * word->second.rarity * place.weight;
  return static_cast<std::size_t>(std::ranges::max_element(near) - near.begin());
}

}  // namespace tapegrad::tools
