// tapegrad train: one system a sub-command.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "commands.hpp"
#include "interrupt.hpp"
#include "systems.hpp"

namespace tapegrad::tools {

void add_train_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("train", "Train a model on your data or on data that Debian ships");
  command->require_subcommand(1);
  command->preparse_callback([](std::size_t) { interrupt::install(); });
  command->footer("Example:\n  tapegrad train text reviews.csv --label-column stars --out model");
  for (const System& system : systems())
    if (system.add_train_commands) system.add_train_commands(*command, status);
  command->add_subcommand("list", "What can be trained, a line each")->callback([command] {
    for (const CLI::App* one : command->get_subcommands({}))
      if (!one->get_group().empty() && one->get_name() != "list")
        std::cout << fmt::format("{:<12}  {}\n", one->get_name(), one->get_description());
  });
}

}  // namespace tapegrad::tools
