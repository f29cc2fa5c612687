#include <tapegrad/core/error.hpp>
#include <tapegrad/nn/models/image_classifier.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn::models {
namespace {

std::int64_t pixels(const ImageClassifierOptions& options) { return options.colours * options.height * options.width; }

/// What the last layer reads.
std::int64_t features(const ImageClassifierOptions& options) {
  if (options.kind == ImageClassifierKind::mlp) return options.hidden.empty() ? pixels(options) : options.hidden.back();
  if (options.channels.empty()) throw ValueError("ImageClassifier: a cnn without channels; one width is needed");
  return options.channels.back();
}

}  // namespace

ImageClassifier::ImageClassifier(const ImageClassifierOptions& options)
    : dropout(*this, "dropout", options.dropout),
      output(*this, "output", features(options), options.classes, {.rng = options.rng}) {
  if (options.kind == ImageClassifierKind::mlp) {
    std::int64_t width = pixels(options);
    for (const std::int64_t next : options.hidden) {
      hidden.emplace_back(width, next, LinearOptions{.weight_init = init::kaiming_uniform(), .rng = options.rng});
      width = next;
    }
    return;
  }
  std::int64_t width = options.colours;
  for (const std::int64_t next : options.channels)
    for (const std::int64_t stride : {1, 2}) {
      convolutions.emplace_back(width, next, PerAxis(3),
                                ConvOptions{.stride = stride, .padding = 1, .bias = false, .rng = options.rng});
      norms.emplace_back(next);
      width = next;
    }
}

Tensor ImageClassifier::forward(const Tensor& images) {
  if (convolutions.size() == 0) {
    Tensor x = flatten(images, 1);
    for (Linear& layer : hidden) x = dropout(relu(layer(x)));
    return output(x);
  }
  Tensor x = images;
  for (std::size_t i = 0; i < convolutions.size(); ++i) x = relu(norms[i](convolutions[i](x)));
  return output(dropout(mean(x, {2, 3})));
}

}  // namespace tapegrad::nn::models
