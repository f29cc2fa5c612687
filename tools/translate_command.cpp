// tapegrad translate: texts in another language, by a trained translator.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/parallel.hpp>

#include "commands.hpp"
#include "option_values.hpp"
#include "prediction.hpp"
#include "systems/saved_translator.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string model, picture;
  std::vector<std::string> texts;
  TranslateOptions translate;
  std::size_t top = 1;
  int threads = 1;
  bool json = false;
  LoadOptions load;
};

void translate(const SavedModel<SavedTranslator>& saved, const std::string& text, const Options& options) {
  std::vector<Translation> found = translations_of(saved, text, options.translate);
  if (!options.picture.empty()) write_file(options.picture, attention_picture(saved, text, found[0]));
  found.resize(std::min(options.top, found.size()));
  if (options.json) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const Translation& one : found) all.push_back({{"text", one.text}, {"score", one.score}});
    return print_line({{"source", text}, {"translations", all}});
  }
  for (const Translation& one : found) {
    if (options.top > 1) std::cout << fmt::format("{:8.3f}  ", one.score);
    std::cout << printable(one.text) << '\n';
  }
  std::cout.flush();
}

void run(const Options& options) {
  set_num_threads(options.threads);
  if (!options.picture.empty() && options.texts.size() != 1)
    throw ValueError("translate: --picture is of one text; give it as an argument");
  const auto saved = SavedModel<SavedTranslator>::load(options.model, options.load);
  for (const std::string& text : options.texts) translate(saved, text, options);
  if (!options.texts.empty()) return;
  std::string line;
  for (std::int64_t number = 1; next_line(line, number); ++number) translate(saved, line, options);
}

}  // namespace

void add_translate_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("translate", "Translate texts with a trained translator");
  command->add_option("--model", options->model, "The folder that tapegrad train translate --out wrote")
      ->type_name(kFolder)
      ->required();
  command->add_option("text", options->texts, "Texts; without any, one a line from standard input");
  command->add_option("--beams", options->translate.beams, "Translations that are followed at a time; 1: greedily")
      ->capture_default_str()
      ->check(between(1, 1000));
  command
      ->add_option("--length-penalty", options->translate.length_penalty,
                   "The larger, the longer translations are; 0: the likeliest, which are short")
      ->capture_default_str()
      ->check(between(0.0, 10.0));
  command->add_option("--top", options->top, "Translations of each text to print, with their scores if several")
      ->capture_default_str()
      ->check(positive());
  command->add_option("--picture", options->picture, "SVG to write: what each token of the translation looked at");
  command->add_option("--threads", options->threads)->capture_default_str()->check(between(1, 1024));
  command->add_flag("--json", options->json, "One JSON object a text");
  command->add_flag("--allow-nonfinite", options->load.allow_nonfinite, "Use weights that are NaN or infinite");
  command->footer(
      "Examples:\n"
      "  tapegrad translate --model out/french \"library for reading and writing images\"\n"
      "  tapegrad translate --model out/french --picture looks.svg \"a fast web browser\"\n"
      "  tapegrad translate --model out/french --beams 8 --top 3 < texts.txt");
  command->callback([options] { run(*options); });
}

}  // namespace tapegrad::tools
