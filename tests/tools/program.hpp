#pragma once
// The program as its users meet it: what it prints, where, and its exit status.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace tapegrad::tools {

namespace fs = std::filesystem;

struct Outcome {
  int status;
  std::string out, err;
};

inline std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class Program : public ::testing::Test {
 protected:
  Program() {
    std::string name = (fs::temp_directory_path() / "tapegrad_program_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Program() override { fs::remove_all(folder_); }

  Outcome run(const std::string& arguments) const {
    const fs::path out = folder_ / ".out", err = folder_ / ".err";
    const std::string command = "cd '" + folder_.string() + "' && '" TAPEGRAD_PROGRAM "' " + arguments + " >'" +
                                out.string() + "' 2>'" + err.string() + "' </dev/null";
    const int status = std::system(command.c_str());
    Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(out), read(err)};
    fs::remove(out);
    fs::remove(err);
    return outcome;
  }

  void write(const std::string& name, const std::string& content) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }

  // Two classes that one word tells apart.
  void write_texts(const std::string& name, int count = 200) const {
    std::string lines;
    for (int i = 0; i < count; ++i)
      lines += i % 2 ? "bird\ta small feathered animal number " + std::to_string(i % 7) + "\n"
                     : "tool\tan instrument of steel number " + std::to_string(i % 5) + "\n";
    write(name, lines);
  }

  std::vector<std::string> files(const std::string& name) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_ / name)) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }

  // One line on stderr that says all of `parts`, status 2, and nothing new beside the input.
  void expect_refused(const std::string& arguments, const std::vector<std::string>& parts) const {
    const std::vector<std::string> before = files(".");
    const Outcome o = run(arguments);
    EXPECT_EQ(o.status, 2) << arguments << '\n' << o.out << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    for (const std::string& part : parts) EXPECT_THAT(o.err, ::testing::HasSubstr(part));
    EXPECT_EQ(files("."), before) << "left behind by " << arguments;
  }

  fs::path folder_;
};

}  // namespace tapegrad::tools
