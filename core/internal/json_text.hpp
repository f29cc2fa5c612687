#pragma once
// JSON from outside.

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

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

/// The value of a text within the bounds. IoError, which names the file, line and column, for what is not JSON, and for
/// a key that an object has twice.
nlohmann::json parse_json(std::string_view text, const std::string& file, const JsonBounds& bounds = {});

/// The IoError that parse_json() throws for `error`.
[[noreturn]] void throw_json_error(const nlohmann::json::exception& error, std::string_view text,
                                   const std::string& file);

}  // namespace tapegrad
