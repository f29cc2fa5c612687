#pragma once
// Recordings with what is said in them.

#include <filesystem>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad::tools {

struct Recording {
  std::string where;  ///< "calls.csv:17", for messages
  std::string text;
  Tensor features;  ///< f32 [T, bands]
};

/// What is heard of a WAV file, whatever its volume and its rate, from 8,000 samples a second on: log-mel
/// features up to 4,000 Hz, each band at mean 0 and deviation 1. IoError for a lower rate, silence, or less than two
/// features.
Tensor speech_features(const std::filesystem::path& path, std::int64_t bands);

/// A CSV file with columns file, beside it, and text. IoError, which names file and line, for what is missing.
std::vector<Recording> read_recordings(const std::filesystem::path& list, std::int64_t bands);

/// A text's letters: Unicode characters in lower case, with one space between words.
std::u32string letters_of(std::string_view text);
std::string text_of(std::u32string_view letters);

}  // namespace tapegrad::tools
