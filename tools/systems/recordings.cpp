#include "recordings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/audio.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/data/internal/unicode.hpp>
#include <tapegrad/data/table.hpp>
#include <tapegrad/data/text_file.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace tapegrad::tools {

namespace fs = std::filesystem;

Tensor speech_features(const fs::path& path, std::int64_t bands) {
  constexpr std::int64_t kLeastRate = 8000;
  constexpr double kLow = 60, kHigh = 4000, kFloor = 1e-2;
  const NoGrad no_grad;
  const data::Audio sound = data::read_wav(path);
  if (sound.rate < kLeastRate)
    throw IoError(
        fmt::format("{}: has {} samples a second; {} at least are needed", path.string(), sound.rate, kLeastRate));
  const Tensor mono = sound.mono();
  const double loudest = mono.numel() == 0 ? 0 : max(abs(mono)).item();
  if (!(loudest > 0)) throw IoError(path.string() + ": is silent");
  // Spectra grow with the samples of a window.
  const Tensor even = mono * (static_cast<double>(kLeastRate) / (loudest * static_cast<double>(sound.rate)));
  const Tensor heard = data::log_mel(even, sound.rate, {.bands = bands, .low = kLow, .high = kHigh, .floor = kFloor});
  if (heard.size(0) < 2)
    throw IoError(fmt::format("{}: is too short, {} samples at {} a second", path.string(), mono.numel(), sound.rate));
  constexpr double kLeastDeviation = 1e-3;  // of a band in which nothing happens
  return (heard - mean(heard, {0}, true)) / (stddev(heard, {0}, true, 0) + kLeastDeviation);
}

std::vector<Recording> read_recordings(const fs::path& list, std::int64_t bands) {
  const std::string text = data::read_text_file(list);
  data::CsvReader reader(text, list.string(), std::nullopt);
  std::vector<std::string> fields;
  if (!reader.next(fields)) throw IoError(list.string() + ": is empty; expected the columns file and text");
  const auto column = [&](const char* name) {
    const auto found = std::ranges::find(fields, name);
    if (found == fields.end())
      throw IoError(
          fmt::format("{}: has no column {}; there are {}", list.string(), name, data::list_in_quotes(fields)));
    return static_cast<std::size_t>(found - fields.begin());
  };
  const std::size_t file = column("file"), said = column("text"), columns = fields.size();
  std::vector<Recording> recordings;
  while (reader.next(fields)) {
    const std::string where = fmt::format("{}:{}", list.string(), reader.line());
    if (fields.size() != columns)
      throw IoError(fmt::format("{}: has {} fields, where the header has {}", where, fields.size(), columns));
    const std::string words = text_of(letters_of(fields[said]));
    if (words.empty()) throw IoError(where + ": has no text");
    try {
      recordings.push_back({where, words, speech_features(list.parent_path() / fields[file], bands)});
    } catch (const IoError& error) {
      throw IoError(fmt::format("{}: {}", where, error.what()));
    }
  }
  if (recordings.empty()) throw IoError(list.string() + ": names no recording");
  return recordings;
}

std::u32string letters_of(std::string_view text) {
  std::u32string letters;
  for (std::size_t at = 0; at < text.size();) {
    const auto [code, length] = data::decode_utf8(text, at);
    at += length;
    const bool is_space = code == U' ' || code == U'\t' || code == U'\n' || code == U'\r';
    if (!is_space)
      letters += data::fold_case(code);
    else if (!letters.empty() && letters.back() != U' ')
      letters += U' ';
  }
  if (!letters.empty() && letters.back() == U' ') letters.pop_back();
  return letters;
}

std::string text_of(std::u32string_view letters) {
  std::string text;
  for (const char32_t letter : letters) data::append_utf8(text, letter);
  return text;
}

}  // namespace tapegrad::tools
