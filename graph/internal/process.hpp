#pragma once
// A child process as a function from text to text.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace tapegrad::graph {

struct ProcessOutput {
  std::string output, errors;
};

/// Runs a program, looked for in PATH unless the name has a slash, without a shell: `input` goes to its standard input,
/// what it writes comes back. The three streams are served at once, so no amount of text on any of them blocks.
/// Throws ProcessError if it cannot be started, ends with another status than 0, is killed, or has not ended by the
/// timeout, after which it is killed.
ProcessOutput run_process(const std::vector<std::string>& command, std::string_view input,
                          std::chrono::milliseconds timeout);

}  // namespace tapegrad::graph
