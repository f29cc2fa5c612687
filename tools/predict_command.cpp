// tapegrad predict: the classes of a text, and the words that spoke for the winner.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/softmax.hpp>
#include <tapegrad/ops/view.hpp>

#include "commands.hpp"
#include "text_classifier.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string model;
  std::vector<std::string> texts;
  std::size_t top = 5;
  bool json = false;
};

struct Prediction {
  std::vector<std::pair<double, std::string>> classes;  ///< probability and name, the likeliest first
  std::vector<std::pair<double, std::string>> words;    ///< contribution to the winner's logit, in order of the text
};

Prediction predict(SavedClassifier& saved, const std::string& text) {
  const auto entries = saved.encoder.explain(text);
  std::vector<std::int32_t> ids;
  for (const data::EncodedWord& entry : entries) ids.push_back(entry.id);
  const Tensor offsets = copy_of(std::vector<std::int64_t>{0, std::ssize(ids)});

  // Gradient times input: how much each word's vector moves the winner's logit, to first order.
  const Tensor words = parameter(saved.model.embedding(copy_of(ids)).detach(), "words");
  const Tensor logits = select(saved.model.classify(words, offsets), 0, 0);
  const std::vector<double> probabilities = softmax(logits.detach(), 0).values();

  Prediction result;
  for (std::size_t i = 0; i < probabilities.size(); ++i)
    result.classes.emplace_back(probabilities[i], saved.class_names[i]);
  std::stable_sort(result.classes.begin(), result.classes.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  const auto winner = std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
  const Tensor gradient = grad(select(logits, 0, winner), words);
  const std::vector<double> shares = sum(gradient * words.detach(), {1}).values();
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].id != data::Vocabulary::kUnknown) result.words.emplace_back(shares[i], entries[i].words);
  return result;
}

void print(const std::string& text, const Prediction& p, std::size_t top) {
  std::cout << fmt::format("\"{}\"\n", text);
  for (std::size_t i = 0; i < std::min(top, p.classes.size()); ++i)
    std::cout << fmt::format("  {:6.2f} %  {}\n", 100 * p.classes[i].first, p.classes[i].second);
  auto words = p.words;
  std::stable_sort(words.begin(), words.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::cout << fmt::format("  words for {} (gradient × input):", p.classes.front().second);
  std::size_t shown = 0;
  for (const auto& [share, word] : words) {
    if (shown++ == 8) break;
    std::cout << fmt::format("{} {} {:+.2f}", shown == 1 ? "" : ",", word, share);
  }
  std::cout << (words.empty() ? " none is in the vocabulary\n" : "\n");
}

nlohmann::ordered_json to_json(const std::string& text, const Prediction& p) {
  nlohmann::ordered_json classes, words = nlohmann::ordered_json::array();
  for (const auto& [probability, name] : p.classes) classes[name] = probability;
  for (const auto& [share, word] : p.words) words.push_back({{"word", word}, {"share", share}});
  return {{"text", text}, {"class", p.classes.front().second}, {"probabilities", classes}, {"words", words}};
}

void run(const Options& options) {
  SavedClassifier saved = SavedClassifier::load(options.model);
  const auto answer = [&](const std::string& text) {
    const Prediction prediction = predict(saved, text);
    if (options.json)
      std::cout << to_json(text, prediction).dump() << '\n';
    else
      print(text, prediction, options.top);
  };
  for (const std::string& text : options.texts) answer(text);
  if (options.texts.empty())
    for (std::string line; std::getline(std::cin, line);) answer(line);
}

}  // namespace

void add_predict_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("predict", "Classify texts with a trained model, and say which words decided");
  command->add_option("--model", options->model, "The folder that tapegrad train --out wrote")->required();
  command->add_option("text", options->texts, "Texts; without any, one a line from standard input");
  command->add_option("--top", options->top, "Classes to print")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_flag("--json", options->json, "One JSON object a line");
  command->footer(
      "Examples:\n"
      "  tapegrad predict --model out/wordnet \"a small bird with a red breast\"\n"
      "  tapegrad predict --model out/wordnet --json < texts.txt");
  command->callback([options] { run(*options); });
}

}  // namespace tapegrad::tools
