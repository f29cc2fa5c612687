#pragma once
// Pictures with classes, in parts to train, validate and test on: folders by class, or IDX files.

#include <CLI/CLI.hpp>
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
  double validation = 0.05;              ///< share of the others that only measures
  std::int64_t limit = 0;                ///< train on so many only; 0: all
};
void add_picture_options(CLI::App& command, PictureSource& source);

struct Pictures {
  data::ImageDataset train, validation, test;
  std::vector<std::string> classes;
};
/// Throws IoError or ValueError, which name file or option, for what is no such set.
Pictures read_pictures(const PictureSource& source, std::uint64_t seed);

}  // namespace tapegrad::tools
