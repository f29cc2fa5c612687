#pragma once
// Recognisers of speech: one of several words, or text letter by letter.

#include <array>
#include <string_view>
#include <tapegrad/nn/containers.hpp>
#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/models/setting.hpp>
#include <tapegrad/nn/normalization.hpp>
#include <tapegrad/nn/recurrent.hpp>
#include <vector>

namespace tapegrad::nn::models {

enum class SpeechKind : std::uint8_t { words, letters };
/// Their names, in order.
constexpr std::array<std::string_view, 2> choices(SpeechKind) { return {"words", "letters"}; }

/// Kind and sizes of a SpeechRecognizer.
struct SpeechRecognizerOptions {
  SpeechKind kind = SpeechKind::letters;
  std::int64_t bands = 40;
  std::int64_t outputs = 0;  ///< words; or letters and, before them, the blank
  std::int64_t channels = 64;
  std::int64_t width = 96;
  std::int64_t layers = 1;
  double dropout = 0.2;
  Rng* rng = nullptr;  ///< null: default_rng()

  /// All but the outputs, which follow from words or letters, and the generator.
  static constexpr auto fields() {
    using Self = SpeechRecognizerOptions;
    return std::tuple{Setting{"model", &Self::kind, "words: each recording is one of those of the training; letters"},
                      Setting{"bands", &Self::bands, "Of the log-mel features", Range{1, 1000}},
                      Setting{"channels", &Self::channels, "Of the convolutions"},
                      Setting{"width", &Self::width, "Of the GRU, in each direction"},
                      Setting{"layers", &Self::layers, "Of the GRU", Range{1, 64}},
                      Setting{"dropout", &Self::dropout, "Between layers of the GRU and before the last one"}};
  }
};

/// Two convolutions over time, with BatchNorm and ReLU, of which the first halves it; a GRU in both directions; and
/// Linear, of the mean over time for words, of each step for letters.
struct SpeechRecognizer : Module {
  /// ValueError if a size is below 1.
  explicit SpeechRecognizer(const SpeechRecognizerOptions& options);

  /// Features [B, T, bands], of which lengths (i64 [B]) count, the others being 0: to logits [B, words]; or to
  /// logarithms of the letters' probabilities, [B, ⌈T / 2⌉, 1 + letters], where the first is the blank, and certain
  /// after a recording's end. What a recording gives does not depend on those beside it, in use.
  Tensor forward(const Tensor& features, const Tensor& lengths);

  /// Cross entropy of words [B]; or connectionist temporal classification (ctc_loss) of letters [B, S], from 1, of
  /// which negative ones only fill up.
  static Tensor loss(const Tensor& outputs, const Tensor& targets);

  /// The letters of the likeliest path [T, 1 + letters], repetitions merged and blanks left out.
  static std::vector<std::int64_t> best_path(const Tensor& outputs);

  /// Steps that a text needs: its letters, and a blank between equal ones. A recording of n features has ⌈n / 2⌉.
  static std::int64_t steps_for(const std::vector<std::int64_t>& letters);

  SpeechKind kind;
  Conv1d first, second;
  BatchNorm first_norm, second_norm;
  Gru gru;
  Dropout dropout;
  Linear output;
};

}  // namespace tapegrad::nn::models
