// tapegrad generate: texts from a language model, pictures from an image generator.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/parallel.hpp>

#include "commands.hpp"
#include "generation.hpp"
#include "systems.hpp"

namespace tapegrad::tools {
namespace {

void run(GenerateOptions& options, const CLI::App& command) {
  const auto first_given = [&](std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (command.count(name) > 0) return std::string(name);
    return std::string();
  };
  options.only_texts = first_given({"--prompt", "--length", "--temperature", "--top-k", "--top-p", "--no-cache"});
  options.only_pictures = first_given({"--picture", "--interpolate"});
  const System& system = system_of(options.model);
  if (!system.generate)
    throw ValueError(fmt::format("generate: the {} in {} makes nothing new; tapegrad {} takes it", system.kind,
                                 options.model, system.command));
  set_num_threads(options.threads);
  system.generate(options);
}

}  // namespace

void add_generate_command(CLI::App& app) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command =
      app.add_subcommand("generate", "Make texts with a trained language model, or pictures with an image generator");
  command
      ->add_option("--model", options->model, "The folder that tapegrad train language or train generator --out wrote")
      ->required();
  command->add_option("--prompt", options->prompt, "What the text begins with");
  command->add_option("--length", options->text.tokens, "Most tokens to add; a text may end before")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--count", options->count,
                   "Texts to write, with lines of % between, 1 unless given; or pictures, 100; or rows of them, 10")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--temperature", options->text.sampling.temperature,
                   "Below 1 it prefers likely tokens more, above 1 less; 0: always the likeliest")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 100.0));
  command->add_option("--top-k", options->text.sampling.top_k, "Only the k likeliest tokens; 0: all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--top-p", options->text.sampling.top_p, "Only the likeliest with this share together")
      ->capture_default_str()
      ->check(CLI::Range(1e-9, 1.0));
  command->add_option("--picture", options->picture, "PNG to write: a grid of pictures");
  command->add_flag("--interpolate", options->interpolate, "Rows of ten, each from one picture to another");
  command->add_option("--seed", options->seed, "The same seed gives the same")->capture_default_str();
  command->add_option("--threads", options->threads)->capture_default_str()->check(CLI::Range(1, 1024));
  command->add_flag(
      "!--no-cache", options->text.cache,
      "Look back over the whole context for each token, computing it anew: slower, and the same until a text "
      "outgrows the context");
  command->add_flag("--allow-nonfinite", options->load.allow_nonfinite, "Use weights that are NaN or infinite");
  command->footer(
      "Examples:\n"
      "  tapegrad generate --model out/gpt --prompt \"The trouble with\" --count 3\n"
      "  tapegrad generate --model out/lstm --temperature 0.5 --top-k 40 --seed 7\n"
      "  tapegrad generate --model out/vae --picture samples.png\n"
      "  tapegrad generate --model out/vae --picture rows.png --interpolate --count 5");
  command->callback([options, command] { run(*options, *command); });
}

}  // namespace tapegrad::tools
