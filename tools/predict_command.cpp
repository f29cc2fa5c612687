// tapegrad predict: what a trained model says of texts, images or rows of tables, and which words, pixels or columns
// decided.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <tapegrad/core/error.hpp>

#include "commands.hpp"
#include "prediction.hpp"
#include "systems.hpp"

namespace tapegrad::tools {
namespace {

void run(const PredictOptions& options) {
  const System& system = system_of(options.model);
  if (!system.predict)
    throw ValueError(fmt::format("predict: the {} in {} does not classify; tapegrad {} takes it", system.kind,
                                 options.model, system.command));
  system.predict(options);
}

}  // namespace

void add_predict_command(CLI::App& app) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* command =
      app.add_subcommand("predict", "Ask a trained model of texts, images, recordings or tables, and say what decided");
  command->add_option("--model", options->model, "The folder that tapegrad train --out wrote")->required();
  command->add_option("input", options->inputs,
                      "Texts; without any, one a line from standard input. Or images: PNG, JPEG, PGM or IDX files, "
                      "as large, and as light on dark, as those of the training. Or recordings: WAV files. Or tables: "
                      "CSV files, told row by row");
  command->add_option("--row", options->row, "Of an IDX file")->capture_default_str()->check(CLI::NonNegativeNumber);
  command->add_option("--picture", options->picture, "PNG to write: the image, and where the model looked");
  command
      ->add_option("--attribution", options->attribution,
                   "integrated-gradients, gradient-x-input or, of images, saliency")
      ->transform(CLI::CheckedTransformer(attributions()));
  command->add_option("--top", options->top, "Classes to print")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--least-score", options->least_score, "Of an object that is found in a picture")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--json", options->json, "One JSON object a line");
  command->add_flag("--allow-nonfinite", options->load.allow_nonfinite, "Use weights that are NaN or infinite");
  command->footer(
      "Examples:\n"
      "  tapegrad predict --model out/wordnet \"a small bird with a red breast\"\n"
      "  tapegrad predict --model out/wordnet --json < texts.txt\n"
      "  tapegrad predict --model out/mine photo.jpg --picture why.png\n"
      "  tapegrad predict --model out/cnn /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz --row 7 "
      "--picture why.png");
  command->callback([options] { run(*options); });
}

}  // namespace tapegrad::tools
