// tapegrad run: a model in an ONNX file, on arrays in files.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/io/npy.hpp>

#include "commands.hpp"
#include "onnx_model.hpp"
#include "option_values.hpp"

namespace tapegrad::tools {
namespace {

struct Options {
  std::string file, out;
  InputSource inputs;
};

/// Letters, digits and -_. of a name; "_" for others, so that it names a file in the folder.
std::string file_name(const std::string& name) {
  std::string text;
  for (const char ch : name) {
    const bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' ||
                       ch == '_' || (ch == '.' && !text.empty());
    text += plain ? ch : '_';
  }
  return text.empty() ? "output" : text;
}

void save(const std::filesystem::path& folder, const std::string& name, const onnx::Value& value) {
  if (const onnx::Sequence* items = value.sequence()) {
    for (std::size_t i = 0; i < items->size(); ++i) save(folder, fmt::format("{}_{}", name, i), (*items)[i]);
    return;
  }
  if (!value.tensor()) {
    std::cout << fmt::format("{:<20} {}: not written\n", name, value.empty() ? "empty" : "strings");
    return;
  }
  const Tensor& t = *value.tensor();
  io::save_npy(folder / (name + ".npy"), t);
  std::cout << fmt::format("{:<20} {} {}\n", name + ".npy", name_of(t.dtype()), to_string(t.shape()));
}

void run(const Options& options) {
  const onnx::Model model = onnx::load(options.file);
  const NoGrad no_grad;
  const std::vector<onnx::Value> outputs = model.run(inputs_for(model, options.inputs, true));
  const std::filesystem::path folder = options.out;
  make_folders(folder);
  for (std::size_t i = 0; i < outputs.size(); ++i) save(folder, file_name(model.outputs()[i].name), outputs[i]);
}

}  // namespace

void add_run_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run an ONNX model on .npy files");
  command->add_option("file", options->file, "A model (.onnx)")->type_name(kFile)->required();
  command->add_option("--input", options->inputs.files, "An input's array; in order where the name is left out")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false);
  command->add_option("--out", options->out, "Folder for each output as NAME.npy, sequences as NAME_0.npy, …")
      ->type_name(kFolder)
      ->required();
  command->footer("Examples:\n  tapegrad run resnet.onnx --input image=cat.npy --out cat");
  command->callback([options] { run(*options); });
}

}  // namespace tapegrad::tools
