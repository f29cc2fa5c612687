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

/// What to add to the message of a command line that could not be read: the command or option that was meant, and whose
/// help to see.
std::string advice(const CLI::App& app);

}  // namespace tapegrad::tools
