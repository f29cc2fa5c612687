// tapegrad train: one system a sub-command.

#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "interrupt.hpp"
#include "systems.hpp"

namespace tapegrad::tools {

void add_train_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("train", "Train a model on your data or on data that Debian ships");
  command->require_subcommand(1);
  command->preparse_callback([](std::size_t) { interrupt::install(); });
  command->footer("Example:\n  tapegrad train text reviews.csv --label-column stars --out model");
  for (const System& system : systems()) system.add_train_commands(*command, status);
}

}  // namespace tapegrad::tools
