#pragma once
// Foreign text inside error messages, and names that were meant.

#include <span>
#include <string>
#include <string_view>

namespace tapegrad::data {

/// `text` in quotes, fit for a message: control characters and bytes that are not UTF-8 escaped, long text cut.
std::string in_quotes(std::string_view text);

/// "a", "b", "c": each quoted, cut after a dozen.
std::string list_in_quotes(std::span<const std::string> names);

/// True of C0 and C1 controls, tabs and line breaks among them.
bool has_control_characters(std::string_view text);

/// `; did you mean "x"?` for the candidate that differs from `name` by the fewest edits (case aside), or nothing if
/// none is near.
std::string suggestion(std::string_view name, std::span<const std::string> candidates);

}  // namespace tapegrad::data
