// The examples that the helps give are command lines that the program takes.

#include <set>
#include <sstream>

#include "program.hpp"

namespace tapegrad::tools {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The names in the first column under "Commands:".
std::vector<std::string> subcommands_in(const std::string& help) {
  std::vector<std::string> names;
  bool listed = false;
  for (const std::string& line : lines_of(help)) {
    if (!line.starts_with("  ")) listed = line == "Commands:";
    if (listed && line.starts_with("  ") && line.size() > 2 && line[2] != ' ')
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return names;
}

// "  tapegrad graph mlp -o mlp.svg     what it does": the words up to the remark.
std::vector<std::string> examples_in(const std::string& help) {
  std::vector<std::string> examples;
  for (const std::string& line : lines_of(help)) {
    if (line.find("tapegrad ") != 2 && line.find("| tapegrad ") == std::string::npos) continue;
    if (!line.starts_with("  ")) continue;
    const std::size_t remark = line.find("  ", 2);
    examples.push_back(line.substr(2, remark == std::string::npos ? remark : remark - 2));
  }
  return examples;
}

TEST_F(Program, TakesTheExamplesOfItsHelp) {
  ::setenv("COLUMNS", "400", 1);  // each on a line of its own
  std::vector<std::string> commands{""};
  std::set<std::string> examples;
  for (std::size_t next = 0; next < commands.size(); ++next) {
    const std::string command = commands[next];
    const Outcome help = run(command + " --help");
    ASSERT_EQ(help.status, 0) << command;
    for (const std::string& inner : subcommands_in(help.out)) commands.push_back(command + " " + inner);
    for (const std::string& example : examples_in(help.out)) examples.insert(example);
  }
  EXPECT_GT(commands.size(), 10U);
  EXPECT_GT(examples.size(), 10U);
  // Most name files that are not here: what counts is that no option or word is refused.
  for (const std::string& example : examples) {
    if (example.find("COMMAND") != std::string::npos) continue;
    write("example.sh", "tapegrad() { timeout 1 '" TAPEGRAD_PROGRAM "' \"$@\"; }\n" + example + "\n");
    const std::string command = "cd '" + folder_.string() + "' && sh example.sh >/dev/null 2>error.txt </dev/null";
    EXPECT_NE(std::system(command.c_str()), -1);
    EXPECT_THAT(content_of(folder_ / "error.txt"), ::testing::Not(::testing::HasSubstr(" --help"))) << example;
  }
}

}  // namespace
}  // namespace tapegrad::tools
