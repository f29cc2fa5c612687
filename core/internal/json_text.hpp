#pragma once
// JSON from outside.

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace tapegrad {

/// What JSON may cost: a value takes some thirty times its text, and a message about a word several times the word.
struct JsonBounds {
  std::size_t depth = 32;
  std::size_t values = 400'000;               ///< keys count too
  std::size_t string = std::size_t{1} << 20;  ///< bytes in one string or number
};

/// IoError, which names the file and the byte, for a text beyond the bounds. Looks at the text once, without parsing
/// it.
void check_json_bounds(std::string_view text, const std::string& file, const JsonBounds& bounds = {});

/// To be told what a parser does, step by step: IoError, which names the file, for a key that an object has twice.
class UniqueKeys {
 public:
  explicit UniqueKeys(std::string file) : file_(std::move(file)) {}
  void see(nlohmann::json::parse_event_t event, const nlohmann::json& parsed);

 private:
  std::string file_;
  std::vector<std::unordered_set<std::string>> open_;  // the keys of each object
};

/// The value of a text within the bounds. IoError, which names the file, line and column, for what is not JSON, and for
/// a key that an object has twice.
nlohmann::json parse_json(std::string_view text, const std::string& file, const JsonBounds& bounds = {});

/// The IoError that parse_json() throws for `error`.
[[noreturn]] void throw_json_error(const nlohmann::json::exception& error, std::string_view text,
                                   const std::string& file);

}  // namespace tapegrad
