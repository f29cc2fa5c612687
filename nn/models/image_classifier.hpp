#pragma once
// The models of `tapegrad train fashion-mnist`.

#include <filesystem>
#include <string>
#include <string_view>
#include <tapegrad/data/idx.hpp>
#include <tapegrad/nn/convolution.hpp>
#include <tapegrad/nn/dropout.hpp>
#include <tapegrad/nn/linear.hpp>
#include <tapegrad/nn/module_list.hpp>
#include <tapegrad/nn/normalization.hpp>
#include <vector>

#include "saved_model.hpp"

namespace tapegrad::tools {

/// The kind of model that config.json says.
inline constexpr std::string_view kImageClassifier = "image classifier";

enum class ImageClassifierKind { mlp, cnn };

/// Saved as config.json.
struct ImageClassifierSizes {
  ImageClassifierKind kind = ImageClassifierKind::mlp;
  std::int64_t height = 28, width = 28, classes = 10;
  std::vector<std::int64_t> hidden{512, 256};       ///< of an mlp
  std::vector<std::int64_t> channels{32, 64, 128};  ///< of a cnn
  double dropout = 0.2;
};

/// Images [B, 1, H, W] to logits [B, classes]. An mlp is Linear and ReLU, layer by layer. A cnn has two convolutions
/// for each width of channels, each with BatchNorm and ReLU, the second of them halving height and width; then the mean
/// over the places, and Linear.
class ImageClassifier : public nn::Module {
 public:
  ImageClassifier(const ImageClassifierSizes& sizes, Rng& rng);
  Tensor forward(const Tensor& images);

  nn::ModuleList<nn::Linear> hidden{*this, "hidden"};
  nn::ModuleList<nn::Conv2d> convolutions{*this, "convolutions"};
  nn::ModuleList<nn::BatchNorm> norms{*this, "norms"};
  nn::Dropout dropout;
  nn::Linear output;
};

std::string config_json(const ImageClassifierSizes& sizes, const std::vector<std::string>& classes, double mean,
                        double deviation);

/// A trained classifier with what its images must be turned into: a folder of config.json and model.safetensors.
struct SavedImageClassifier {
  ImageClassifierSizes sizes;
  std::vector<std::string> class_names;
  data::ImageDataset::Scaling scaling;
  ImageClassifier model;

  /// Throws IoError that names the file when one is missing or does not fit the other.
  static SavedImageClassifier load(const std::filesystem::path& folder, const LoadOptions& options = {});
};

}  // namespace tapegrad::tools
