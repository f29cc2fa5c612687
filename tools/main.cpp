// The program: one sub-command a file. What goes wrong is one line on stderr and exit status 2.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/version.hpp>
#include <vector>

#include "commands.hpp"
#include "help.hpp"
#include "option_values.hpp"
#include "suggestion.hpp"
#include "terminal.hpp"

namespace {

/// The command line, last word first, as CLI11 takes it; "help graph" is "graph --help".
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  std::reverse(words.begin(), words.end());
  return words;
}

void complain(const std::string& what) {
  std::cerr << tapegrad::tools::styled(tapegrad::tools::terminal_of(STDERR_FILENO), tapegrad::tools::Style::bad,
                                       "tapegrad:")
            << ' ' << what << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tapegrad::tools;
  CLI::App app("tapegrad: automatic differentiation with a dynamic computation graph", "tapegrad");
  app.set_version_flag("-V,--version", "tapegrad " + std::string(tapegrad::version()));
  app.require_subcommand(0, 1);  // asked for below: CLI11 would not say which word it did not know
  app.formatter_fn([](const CLI::App* command, const std::string&, CLI::AppFormatMode) {
    return to_text(help_of(*command), terminal_of(STDOUT_FILENO));
  });
  app.footer(
      "Examples:\n"
      "  tapegrad train text wordnet: --out model    train a text classifier on WordNet\n"
      "  tapegrad predict --model model \"a kind of bird\"\n"
      "  tapegrad graph model -o model.svg           draw what was recorded\n"
      "  tapegrad explain model                      what is wrong with a recorded step\n"
      "  tapegrad gradcheck --all                    check every operation's gradient\n"
      "  tapegrad op solve a.npy b.npy --out solved  run one operation on NumPy's files\n"
      "  tapegrad COMMAND --help                     more on each");
  const auto add_limit = [&](const char* name, std::uint64_t tapegrad::InputLimits::*limit, const char* help) {
    const auto set = [limit](const std::uint64_t& bytes) {
      tapegrad::InputLimits limits = tapegrad::input_limits();
      limits.*limit = bytes;
      tapegrad::set_input_limits(limits);
    };
    app.add_option_function<std::uint64_t>(name, set, help)
        ->type_name("BYTES")
        ->transform(CLI::AsSizeValue(false).description(""));
  };
  add_limit("--pipe-limit", &tapegrad::InputLimits::pipe, "Most bytes to read from a pipe, such as 500MB; else 1 GiB");
  add_limit("--unpacked-limit", &tapegrad::InputLimits::unpacked,
            "Most bytes that one packed file may unpack to; else 4 GiB");
  int status = 0;
  add_train_command(app, status);
  add_predict_command(app);
  add_generate_command(app);
  add_recommend_command(app);
  add_translate_command(app);
  add_export_command(app);
  add_graph_command(app, status);
  add_explain_command(app);
  add_inspect_command(app);
  add_run_command(app);
  add_gradcheck_command(app, status);
  add_op_command(app);
  add_ops_command(app);
  add_completion_command(app);
  add_man_command(app);
  try {
    app.parse(words_of(argc, argv));
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A command");
    std::cout.flush();
    if (!std::cout && status == 0) throw std::runtime_error("standard output cannot be written to");
    return status;
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    complain(complaint(app, error.what()));
  } catch (const std::bad_alloc&) {
    complain("out of memory");
  } catch (const std::exception& error) {
    complain(tapegrad::printable(error.what()));
  }
  return 2;
}
