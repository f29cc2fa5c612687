#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/speech_recognizer.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/loss.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {
namespace {

constexpr std::int64_t kWindow = 5;  // steps that a convolution sees

ConvOptions over_time(std::int64_t stride, Rng* rng) {
  return {.stride = stride, .padding = kWindow / 2, .bias = false, .rng = rng};
}

}  // namespace

SpeechRecognizer::SpeechRecognizer(const SpeechRecognizerOptions& options)
    : kind(options.kind),
      first(*this, "first", options.bands, options.channels, PerAxis(kWindow), over_time(2, options.rng)),
      second(*this, "second", options.channels, options.channels, PerAxis(kWindow), over_time(1, options.rng)),
      first_norm(*this, "first_norm", options.channels),
      second_norm(*this, "second_norm", options.channels),
      gru(*this, "gru", options.channels, options.width,
          {.layers = options.layers, .bidirectional = true, .dropout = options.dropout, .cell = {.rng = options.rng}}),
      dropout(*this, "dropout", options.dropout),
      output(*this, "output", 2 * options.width, options.outputs, {.rng = options.rng}) {}

Tensor SpeechRecognizer::forward(const Tensor& features, const Tensor& lengths) {
  if (features.rank() != 3 || lengths.shape() != Shape{features.size(0)} || lengths.dtype() != i64)
    throw ShapeError("SpeechRecognizer: features are " + to_string(features.shape()) + " with lengths " +
                     tapegrad::describe(lengths) + "; expected [B, T, bands] and i64 [B]");
  const Tensor steps = cast(floor((lengths + 1) / 2), i64);
  const std::int64_t most = (features.size(1) + 1) / 2;
  const Tensor counts = arange(most) < unsqueeze(steps, 1);  // [B, T']
  // What lies behind the end stays 0, as a convolution takes it to be.
  const Tensor near = relu(first_norm(first(permute(features, {0, 2, 1})))) * cast(unsqueeze(counts, 1), f32);
  const Tensor heard = permute(relu(second_norm(second(near))), {0, 2, 1});
  const Tensor states = gru(heard, RecurrentState{}, steps).output;
  if (kind == SpeechKind::words) return output(dropout(masked_mean(states, counts)));

  constexpr double kNever = -1e4;  // the logarithm of what does not happen; finite, as its gradient is
  const Tensor shares = log_softmax(output(dropout(states)), -1);
  const Tensor silence = where(arange(shares.size(2)) == 0, zeros({1}), kNever);
  return where(unsqueeze(counts, 2), shares, silence);
}

Tensor SpeechRecognizer::loss(const Tensor& outputs, const Tensor& targets) {
  if (outputs.rank() == 2) return cross_entropy(outputs, targets);
  const Tensor each = full({outputs.size(0)}, static_cast<double>(outputs.size(1)), i64);
  return ctc_loss(permute(outputs, {1, 0, 2}), maximum(targets, 0), each, count_nonzero(targets >= 0, {1}));
}

std::vector<std::int64_t> SpeechRecognizer::best_path(const Tensor& outputs) {
  std::vector<std::int64_t> letters;
  double before = 0;
  for (const double best : argmax(outputs.detach(), 1).values()) {
    if (best != 0 && best != before) letters.push_back(static_cast<std::int64_t>(best));
    before = best;
  }
  return letters;
}

std::int64_t SpeechRecognizer::steps_for(const std::vector<std::int64_t>& letters) {
  std::int64_t steps = std::ssize(letters);
  for (std::size_t i = 1; i < letters.size(); ++i) steps += letters[i] == letters[i - 1];
  return steps;
}

}  // namespace tapegrad::nn::models
