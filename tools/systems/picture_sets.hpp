#pragma once
// Pictures with classes, in a training and a test part: folders by class, or IDX files.

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <tapegrad/data/images.hpp>
#include <vector>

#include "idx_sets.hpp"

namespace tapegrad::tools {

struct PictureSource {
  std::string folder = kFashion;
  std::vector<std::string> class_names;  ///< of the labels in IDX files
  std::vector<std::int64_t> size;        ///< height and width of all; empty: as they are
  double held_out = 0.2;                 ///< share to test on, where no test part is there
};
void add_picture_options(CLI::App& command, PictureSource& source);

struct Pictures {
  data::ImageDataset train, test;
  std::vector<std::string> classes;
};
/// Throws IoError or ValueError, which name file or option, for what is no such set.
Pictures read_pictures(const PictureSource& source, std::uint64_t seed);

data::ImageDataset take(const data::ImageDataset& all, std::span<const std::int64_t> rows,
                        data::ImageDataset::Scaling scaling);

}  // namespace tapegrad::tools
