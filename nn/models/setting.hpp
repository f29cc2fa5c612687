#pragma once
// The options of a model, listed once by their struct's fields(): files and command lines iterate the list.

#include <cstdint>
#include <string_view>
#include <tapegrad/core/language.hpp>
#include <tuple>

namespace tapegrad::nn::models {

/// What a whole number may be. Three sizes, and the bytes of a number, fit 64 bits.
struct Range {
  std::int64_t least = 1, most = std::int64_t{1} << 20;
};

/// Since when a setting is in files.
enum class Since : std::uint8_t {
  first,  ///< the first version of a kind: every file has it
  later   ///< files without it mean its default, and a default is not written: older programs read such files
};

/// One option: its name, the member, what it means, and the range of a whole number or of each in a list.
template <class Options, class T>
struct Setting {
  std::string_view name;
  T Options::*member;
  std::string_view doc = "";
  Range range = {};
  Since since = Since::first;
};

// Written out, because clang 14 does not deduce from aggregates.
template <class Options, class T>
Setting(std::string_view, T Options::*) -> Setting<Options, T>;
template <class Options, class T>
Setting(std::string_view, T Options::*, std::string_view) -> Setting<Options, T>;
template <class Options, class T>
Setting(std::string_view, T Options::*, std::string_view, Range) -> Setting<Options, T>;
template <class Options, class T>
Setting(std::string_view, T Options::*, std::string_view, Range, Since) -> Setting<Options, T>;

}  // namespace tapegrad::nn::models
