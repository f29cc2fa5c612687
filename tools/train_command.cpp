// tapegrad train: one system a sub-command, each in a file of its own.

#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "interrupt.hpp"
#include "train_systems.hpp"

namespace tapegrad::tools {

void add_train_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("train", "Train a model on your data or on data that Debian ships");
  command->require_subcommand(1);
  command->preparse_callback([](std::size_t) { interrupt::install(); });
  command->footer("Example:\n  tapegrad train text reviews.csv --label-column stars --out model");
  add_train_text_command(*command, status);
  add_train_sentiment_command(*command, status);
  add_train_fashion_mnist_command(*command, status);
  add_train_language_command(*command, status);
}

}  // namespace tapegrad::tools
