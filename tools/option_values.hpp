#pragma once
// What options take, in the words that their help, their completion and their messages share.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "suggestion.hpp"

namespace tapegrad::tools {

/// Names of types: of what completion looks for. Several are written with bars between, and words as they are:
/// "none|FILE".
inline constexpr const char *kFile = "FILE", *kFolder = "FOLDER", *kOperation = "OPERATION";

/// Limits of a number, both of which it may reach.
template <class T>
CLI::Validator between(T least, T most) {
  return CLI::Range(least, most).description(fmt::format("{} to {}", least, most));
}

inline CLI::Validator positive() { return CLI::Validator(CLI::PositiveNumber).description(""); }
inline CLI::Validator not_negative() { return CLI::Validator(CLI::NonNegativeNumber).description(""); }

/// An option whose value is one of a few words; `choices` are pairs of a word and a value. Its default is what `value`
/// is.
template <class Value, class Choices>
CLI::Option* add_choice(CLI::App& command, const std::string& name, Value& value, const Choices& choices,
                        const std::string& help) {
  std::vector<std::string> words;
  std::string now;
  for (const auto& [word, means] : choices) {
    words.emplace_back(word);
    if (means == value) now = word;
  }
  const auto known = [words](std::string& word) -> std::string {
    std::ranges::replace(word, '_', '-');  // as the library spells them
    if (std::ranges::find(words, word) != words.end()) return "";
    return fmt::format("'{}' is none of {}{}", word, fmt::join(words, ", "), did_you_mean(word, words));
  };
  const auto set = [&value, choices](const std::string& word) {
    for (const auto& [one, means] : choices)
      if (one == word) value = means;
  };
  return command.add_option_function<std::string>(name, set, help)
      ->transform(CLI::Validator(known, ""))
      ->type_name(fmt::format("{}", fmt::join(words, "|")))
      ->default_str(now);
}

}  // namespace tapegrad::tools
