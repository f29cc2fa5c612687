#pragma once
// How good generated images are, by a classifier of real ones and by distances.

#include <string>
#include <tapegrad/data/images.hpp>

#include "saved_image_classifier.hpp"

namespace tapegrad::tools {

struct SampleScores {
  double confident = 0;         ///< share of the samples whose likeliest class has a probability of at least 0.9
  double rarest = 0;            ///< share of the samples that are in the class with the fewest
  double nearest = 0;           ///< mean distance of a sample to the nearest training image
  double nearest_held_out = 0;  ///< the same of held-out images
  double diversity =
      0;  ///< mean distance of two samples of a class over that of two training images, mean over classes
};

/// A classifier that tapegrad train images made of the same set; ValueError if its classes or image sizes differ.
SavedModel<SavedImages> load_classifier(const std::string& folder, const data::ImageDataset& set);

/// `samples` [N, C, H, W] in [0, 1]; distances are Euclidean, of all pixels.
SampleScores score_samples(const Tensor& samples, const data::ImageDataset& train, const data::ImageDataset& held_out,
                           const SavedModel<SavedImages>& classifier);

}  // namespace tapegrad::tools
