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

#define SKIP_WITHOUT(program, package) \
  if (!has_program(program)) GTEST_SKIP() << "needs " << (program) << " of " << (package)
