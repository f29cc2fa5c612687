#include "image_classifier.hpp"

#include <nlohmann/json.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

#include "saved_model.hpp"

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

SavedImageClassifier SavedImageClassifier::load(const std::filesystem::path& folder) {
  ImageClassifierSizes sizes;
  std::vector<std::string> classes;
  data::ImageDataset::Scaling scaling;
  read_config(folder, kImageClassifier, kConfigVersion, [&](const nlohmann::ordered_json& json) {
    sizes.kind = json.at("model") == "mlp" ? ImageClassifierKind::mlp : ImageClassifierKind::cnn;
    json.at("height").get_to(sizes.height);
    json.at("width").get_to(sizes.width);
    json.at("classes").get_to(classes);
    json.at("hidden").get_to(sizes.hidden);
    json.at("channels").get_to(sizes.channels);
    json.at("dropout").get_to(sizes.dropout);
    json.at("mean").get_to(scaling.mean);
    json.at("deviation").get_to(scaling.deviation);
  });
  sizes.classes = std::ssize(classes);
  Rng rng;
  SavedImageClassifier saved{sizes, std::move(classes), scaling, ImageClassifier(sizes, rng)};
  load_weights(folder, saved.model);
  return saved;
}

}  // namespace tapegrad::tools
