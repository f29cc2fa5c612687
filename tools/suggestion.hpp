#pragma once
// What was meant by a mistyped word.

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace tapegrad::tools {

/// "; did you mean 'graph'?", or nothing where no word is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& words);

/// What is wrong with a command line that could not be read, in one line: the command or option that was meant, or else
/// `what` the parser says; and whose help to see.
std::string complaint(const CLI::App& app, std::string_view what);

}  // namespace tapegrad::tools
