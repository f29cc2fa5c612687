// tapegrad generate: text from a language model.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/parallel.hpp>
#include <utility>

#include "commands.hpp"
#include "option_values.hpp"
#include "systems/saved_language_model.hpp"
#include "terminal.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string model, prompt;
  nn::models::GenerateOptions generate{.sampling = {.temperature = 0.8, .top_p = 0.95}};
  std::int64_t count = 1;
  std::uint64_t seed = 1;
  int threads = 1;
  bool no_cache = false;
  LoadOptions load;
};

/// Text on its way to a terminal, token by token: a character that two tokens share waits for the second.
class Shown {
 public:
  std::string take(std::string_view bytes) {
    waiting_ += bytes;
    std::size_t whole = waiting_.size();
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, waiting_.size()); ++back) {
      const auto byte = static_cast<unsigned char>(waiting_[waiting_.size() - back]);
      if ((byte & 0xC0) == 0x80) continue;
      const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
      if (length > back) whole -= back;
      break;
    }
    std::string text = printable(std::string_view(waiting_).substr(0, whole), waiting_.npos, kLayout);
    waiting_.erase(0, whole);
    return text;
  }
  std::string rest() { return printable(std::exchange(waiting_, {}), std::string::npos, kLayout); }

 private:
  static constexpr std::string_view kLayout = "\n\t";
  std::string waiting_;
};

void run(const Options& options) {
  set_num_threads(options.threads);
  const auto saved = SavedModel<SavedLanguage>::load(options.model, options.load);
  nn::models::GenerateOptions generate = options.generate;
  generate.cache = !options.no_cache;
  Rng rng(options.seed);
  std::optional<Shown> shown;
  if (terminal_of(STDOUT_FILENO).interactive) shown.emplace();
  for (std::int64_t i = 0; i < options.count; ++i) {
    if (i > 0) std::cout << "%\n";
    std::cout << options.prompt;
    write_text(saved, options.prompt, generate, rng, [&](std::string_view bytes) {
      std::cout << (shown ? shown->take(bytes) : std::string(bytes)) << std::flush;
    });
    if (shown) std::cout << shown->rest();
    std::cout << '\n';
  }
}

}  // namespace

void add_generate_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("generate", "Write text with a trained language model");
  command->add_option("--model", options->model, "The folder that tapegrad train language --out wrote")
      ->type_name(kFolder)
      ->required();
  command->add_option("--prompt", options->prompt, "What the text begins with");
  command->add_option("--length", options->generate.tokens, "Most tokens to add; a text may end before")
      ->capture_default_str()
      ->check(positive());
  command->add_option("--count", options->count, "Texts to write, with lines of % between")
      ->capture_default_str()
      ->check(positive());
  command
      ->add_option("--temperature", options->generate.sampling.temperature,
                   "Below 1 it prefers likely tokens more, above 1 less; 0: always the likeliest")
      ->capture_default_str()
      ->check(between(0.0, 100.0));
  command->add_option("--top-k", options->generate.sampling.top_k, "Only the k likeliest tokens; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  command->add_option("--top-p", options->generate.sampling.top_p, "Only the likeliest with this share together")
      ->capture_default_str()
      ->check(between(1e-9, 1.0));
  command->add_option("--seed", options->seed, "The same seed gives the same text")->capture_default_str();
  command->add_option("--threads", options->threads)->capture_default_str()->check(between(1, 1024));
  command->add_flag(
      "--no-cache", options->no_cache,
      "Look back over the whole context for each token, computing it anew: slower, and the same until a text "
      "outgrows the context");
  command->add_flag("--allow-nonfinite", options->load.allow_nonfinite, "Use weights that are NaN or infinite");
  command->footer(
      "Examples:\n"
      "  tapegrad generate --model out/gpt --prompt \"The trouble with\" --count 3\n"
      "  tapegrad generate --model out/lstm --temperature 0.5 --top-k 40 --seed 7");
  command->callback([options] { run(*options); });
}

}  // namespace tapegrad::tools
