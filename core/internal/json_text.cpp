#include <tapegrad/core/internal/json_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>

namespace tapegrad {

using nlohmann::json;

void check_json_bounds(std::string_view text, const std::string& file, const JsonBounds& bounds) {
  const auto refuse = [&](std::size_t at, const std::string& why) {
    throw IoError(fmt::format("{}: byte {}: its JSON {}", file, at + 1, why));
  };
  std::size_t depth = 0, values = 0, word = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_part = quoted ? c != '"' : std::string_view(" \t\r\n[]{},:\"").find(c) == std::string_view::npos;
    word = is_part ? word + 1 : 0;
    if (word > bounds.string) refuse(i, fmt::format("has a string or number of more than {} bytes", bounds.string));
    if (quoted) {
      if (c == '\\' && i + 1 < text.size()) ++i, ++word;
      if (c == '"') quoted = false;
      continue;
    }
    quoted = c == '"';
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (depth > bounds.depth) refuse(i, fmt::format("is nested deeper than {} levels", bounds.depth));
    // Each value but the first follows one of these.
    if (c == '[' || c == '{' || c == ',' || c == ':') ++values;
    if (values > bounds.values) refuse(i, fmt::format("has more than {} values", bounds.values));
  }
}

void UniqueKeys::see(json::parse_event_t event, const json& parsed) {
  if (event == json::parse_event_t::object_start) open_.emplace_back();
  if (event == json::parse_event_t::object_end) open_.pop_back();
  if (event != json::parse_event_t::key) return;
  const auto& key = parsed.get_ref<const std::string&>();
  if (!open_.back().insert(key).second)
    throw IoError(fmt::format("{}: an object has the key \"{}\" twice", file_, printable(key, 60)));
}

json parse_json(std::string_view text, const std::string& file, const JsonBounds& bounds) {
  check_json_bounds(text, file, bounds);
  UniqueKeys keys(file);
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    keys.see(event, parsed);
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), watch);
  } catch (const json::exception& error) {
    throw_json_error(error, text, file);
  }
}

void throw_json_error(const json::exception& error, std::string_view text, const std::string& file) {
  constexpr std::size_t kLongest = 200;
  std::string_view reason = error.what();
  if (const std::size_t dash = reason.find(" - "); dash != std::string_view::npos) reason.remove_prefix(dash + 3);
  const std::string why = printable(reason, kLongest);
  const auto* syntax = dynamic_cast<const json::parse_error*>(&error);
  if (!syntax) throw IoError(fmt::format("{}: not valid JSON: {}", file, why));  // a number beyond the range of double
  const std::string_view before = text.substr(0, syntax->byte == 0 ? 0 : syntax->byte - 1);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
  throw IoError(fmt::format("{}:{}:{}: not valid JSON: {}", file, line, column, why));
}

}  // namespace tapegrad
