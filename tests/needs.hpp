#pragma once
// What some tests need that is not the library's: programs and packages.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tapegrad {

inline bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " > /dev/null 2>&1").c_str()) == 0;
}

}  // namespace tapegrad

// A test that cannot run without something is skipped, but fails where everything must run: in .ci/run.
#define SKIP_UNLESS(condition, message)                 \
  if (condition) {                                      \
  } else if (std::getenv("TAPEGRAD_TEST_EVERYTHING")) { \
    FAIL() << (message);                                \
  } else                                                \
    GTEST_SKIP() << (message)

#define SKIP_WITHOUT(program, package) \
  SKIP_UNLESS(tapegrad::has_program(program), std::string("needs ") + (program) + " of " + (package))

// `name` is one of the packages of tests/graph/node/package.json.
#define SKIP_WITHOUT_NODE_PACKAGE(name)                                                                       \
  SKIP_WITHOUT("node", "Node.js");                                                                            \
  SKIP_UNLESS(std::filesystem::exists(std::filesystem::path(TAPEGRAD_NODE_FOLDER) / "node_modules" / (name)), \
              std::string("needs the package ") + (name) + " in " TAPEGRAD_NODE_FOLDER ": scripts/test installs it")
