#pragma once
// What `tapegrad train images` saves: config.json and model.safetensors.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/images.hpp>
#include <tapegrad/nn/models/image_classifier.hpp>
#include <tuple>
#include <vector>

#include "../saved_model.hpp"

namespace tapegrad::tools {

struct SavedImages {
  using Model = nn::models::ImageClassifier;
  static constexpr std::string_view kKind = "image classifier";
  static constexpr int kVersion = 1;

  std::vector<std::string> classes;
  nn::models::ImageClassifierOptions options;
  data::ImageDataset::Scaling scaling;
  bool resizes = false;  ///< whether pictures of any size are taken

  static constexpr auto fields() {
    using Scaling = data::ImageDataset::Scaling;
    return std::tuple{
        part(&SavedImages::options), Setting{"classes", &SavedImages::classes},
        part(&SavedImages::scaling, Setting{"mean", &Scaling::mean}, Setting{"deviation", &Scaling::deviation}),
        Setting{"resizes", &SavedImages::resizes, "", {}, Since::later}};
  }

  std::unique_ptr<Model> make(Rng& rng) const {
    if (!(scaling.deviation > 0)) throw ValueError("\"deviation\" is not above 0");
    if (options.colours == 2) throw ValueError("\"colours\" is 2; expected 1 or 3");
    nn::models::ImageClassifierOptions all = options;
    all.classes = std::ssize(classes);
    all.rng = &rng;
    return std::make_unique<Model>(all);
  }
  void read_files(const std::filesystem::path&) {}
  void write_files(const OutputFolder&) const {}
};

}  // namespace tapegrad::tools
