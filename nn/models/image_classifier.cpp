#include "image_classifier.hpp"

#include <nlohmann/json.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::tools {
namespace {

constexpr int kConfigVersion = 1;

std::int64_t features(const ImageClassifierSizes& sizes) {
  if (sizes.kind == ImageClassifierKind::cnn) return sizes.channels.back();
  return sizes.hidden.empty() ? sizes.height * sizes.width : sizes.hidden.back();
}

}  // namespace

ImageClassifier::ImageClassifier(const ImageClassifierSizes& sizes, Rng& rng)
    : dropout(*this, "dropout", sizes.dropout), output(*this, "output", features(sizes), sizes.classes, {.rng = &rng}) {
  if (sizes.kind == ImageClassifierKind::mlp) {
    std::int64_t width = sizes.height * sizes.width;
    for (const std::int64_t next : sizes.hidden) {
      hidden.emplace_back(width, next, nn::LinearOptions{.weight_init = nn::init::kaiming_uniform(), .rng = &rng});
      width = next;
    }
    return;
  }
  std::int64_t width = 1;
  for (const std::int64_t next : sizes.channels)
    for (const std::int64_t stride : {1, 2}) {
      convolutions.emplace_back(width, next, PerAxis(3),
                                nn::ConvOptions{.stride = stride, .padding = 1, .bias = false, .rng = &rng});
      norms.emplace_back(next);
      width = next;
    }
}

Tensor ImageClassifier::forward(const Tensor& images) {
  if (convolutions.size() == 0) {
    Tensor x = flatten(images, 1);
    for (nn::Linear& layer : hidden) x = dropout(relu(layer(x)));
    return output(x);
  }
  Tensor x = images;
  for (std::size_t i = 0; i < convolutions.size(); ++i) x = relu(norms[i](convolutions[i](x)));
  return output(dropout(mean(x, {2, 3})));
}

std::string config_json(const ImageClassifierSizes& sizes, const std::vector<std::string>& classes, double mean,
                        double deviation) {
  const nlohmann::ordered_json config = {{"kind", kImageClassifier},
                                         {"version", kConfigVersion},
                                         {"model", sizes.kind == ImageClassifierKind::mlp ? "mlp" : "cnn"},
                                         {"height", sizes.height},
                                         {"width", sizes.width},
                                         {"classes", classes},
                                         {"hidden", sizes.hidden},
                                         {"channels", sizes.channels},
                                         {"dropout", sizes.dropout},
                                         {"mean", mean},
                                         {"deviation", deviation}};
  return config.dump(2) + "\n";
}

SavedImageClassifier SavedImageClassifier::load(const std::filesystem::path& folder, const LoadOptions& options) {
  constexpr std::int64_t kLargestSide = 1 << 14;
  ImageClassifierSizes sizes;
  data::ImageDataset::Scaling scaling;
  Config config(folder);
  config.require(kImageClassifier, kConfigVersion);
  sizes.kind = config.choice("model", {"mlp", "cnn"}) == 0 ? ImageClassifierKind::mlp : ImageClassifierKind::cnn;
  sizes.height = config.size("height", 1, kLargestSide);
  sizes.width = config.size("width", 1, kLargestSide);
  std::vector<std::string> classes = config.names("classes");
  sizes.hidden = config.sizes("hidden");
  sizes.channels = config.sizes("channels");
  sizes.dropout = config.number("dropout");
  scaling.mean = config.number("mean");
  scaling.deviation = config.number("deviation");
  config.finish();
  if (sizes.kind == ImageClassifierKind::cnn && sizes.channels.empty()) config.refuse("a cnn without \"channels\"");
  if (!(scaling.deviation > 0)) config.refuse("\"deviation\" is not above 0");
  sizes.classes = std::ssize(classes);
  const NamedTensors weights = read_weights(folder, options);
  Rng rng;
  SavedImageClassifier saved = make_model(config, weights, [&] {
    return SavedImageClassifier{sizes, std::move(classes), scaling, ImageClassifier(sizes, rng)};
  });
  put_weights(folder, weights, saved.model);
  return saved;
}

}  // namespace tapegrad::tools
