#pragma once
// How a command line can go on, read off the declarations of commands and options.

#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tapegrad::tools {

struct Completion {
  struct Candidate {
    std::string word, about;
  };
  std::vector<Candidate> candidates;    ///< that begin as the last word does
  bool files = false, folders = false;  ///< and those of the disk
};

/// `words` follow the program's name; the last one is being typed, and may be empty.
Completion complete(const CLI::App& program, std::span<const std::string> words);

}  // namespace tapegrad::tools
