#pragma once
// Outside programs that some tests read pictures back with.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tapegrad::graph {

inline bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " > /dev/null 2>&1").c_str()) == 0;
}

/// A new folder of this process.
inline std::filesystem::path make_folder(const std::string& name) {
  std::string path = (std::filesystem::temp_directory_path() / (name + "XXXXXX")).string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make " + path);
  return path;
}

}  // namespace tapegrad::graph

// A test that cannot run without something is skipped, but fails where everything must run: in .ci/run.
#define SKIP_UNLESS(condition, message)                 \
  if (condition) {                                      \
  } else if (std::getenv("TAPEGRAD_TEST_EVERYTHING")) { \
    FAIL() << (message);                                \
  } else                                                \
    GTEST_SKIP() << (message)

#define SKIP_WITHOUT(program, package) \
  SKIP_UNLESS(has_program(program), std::string("needs ") + (program) + " of " + (package))

// `name` is one of the packages of tests/graph/node/package.json.
#define SKIP_WITHOUT_NODE_PACKAGE(name)                                                                       \
  SKIP_WITHOUT("node", "Node.js");                                                                            \
  SKIP_UNLESS(std::filesystem::exists(std::filesystem::path(TAPEGRAD_NODE_FOLDER) / "node_modules" / (name)), \
              std::string("needs the package ") + (name) + " in " TAPEGRAD_NODE_FOLDER ": scripts/test installs it")
