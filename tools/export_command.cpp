// tapegrad export: a trained model as a file that other frameworks run.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <tapegrad/core/error.hpp>

#include "commands.hpp"
#include "export.hpp"
#include "option_values.hpp"
#include "systems.hpp"

namespace tapegrad::tools {

void add_export_command(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = app.add_subcommand("export", "Write a trained model as an ONNX file");
  command->add_option("model", options->model, "The folder that tapegrad train --out wrote")
      ->type_name(kFolder)
      ->required();
  command->add_option("-o,--out", options->out, "The file to write (.onnx)")->type_name(kFile)->required();
  command->add_flag("--allow-nonfinite", options->load.allow_nonfinite, "Use weights that are NaN or infinite");
  command->footer(
      "Batches and texts may be of any length. Inputs, by what was trained:\n"
      "  text, sentiment   ids int32 [words], numbers of lines of vocabulary.txt, and offsets int64 [texts + 1],\n"
      "                    where each text begins and the last one ends\n"
      "  images            pixels uint8 [batch, channels, height, width]\n"
      "  detect            pixels uint8 [batch, channels, height, width]\n"
      "  language          ids int32 [batch, length], numbers of tokens.txt\n"
      "  table             features float [rows, features], as columns.json encodes them\n"
      "Outputs are logits; of tables that tell a number, numbers; of detect, boxes and scores of each cell, before\n"
      "suppression.\n"
      "Examples:\n"
      "  tapegrad export out/cnn -o cnn.onnx && tapegrad inspect cnn.onnx");
  command->callback([options] {
    const System& system = system_of(options->model);
    if (!system.save_onnx)
      throw ValueError(options->model + " is a " + std::string(system.kind) + ", which cannot be exported yet");
    system.save_onnx(*options);
  });
}

}  // namespace tapegrad::tools
