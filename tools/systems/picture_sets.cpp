#include "picture_sets.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <set>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/splits.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace tapegrad::tools {

namespace fs = std::filesystem;

data::ImageDataset take(const data::ImageDataset& all, std::span<const std::int64_t> rows,
                        data::ImageDataset::Scaling scaling) {
  const Tensor chosen = copy_of(rows, Shape{std::ssize(rows)});
  return data::ImageDataset(index_select(all.images(), 0, chosen), index_select(all.labels(), 0, chosen), all.classes(),
                            scaling);
}

namespace {

Pictures read_idx_set(const PictureSource& source) {
  if (!source.size.empty()) throw ValueError("--size is for folders of pictures; " + source.folder + " has IDX files");
  std::vector<std::string> classes = source.class_names;
  if (classes.empty() && source.folder == kFashion) classes = fashion_classes();
  if (classes.empty()) {
    const Tensor labels = data::read_idx(find_idx(source.folder, "train-labels-idx1-ubyte"));
    const double most = labels.numel() == 0 ? 0 : max(labels).item();
    for (int c = 0; c <= most; ++c) classes.push_back(std::to_string(c));
  }
  if (std::set<std::string>(classes.begin(), classes.end()).size() < classes.size())
    throw ValueError("--class-names has a name twice");
  const auto read = [&](const char* part) { return read_idx_part(source.folder, part, std::ssize(classes)); };
  return {read("train"), read("t10k"), classes};
}

data::ImageDataset as_dataset(const data::ImageFolder& folder) {
  return {folder.images, folder.labels, std::ssize(folder.classes)};
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

Pictures read_folders(const PictureSource& source, std::uint64_t seed) {
  if (!source.class_names.empty())
    throw ValueError("--class-names is for IDX files; the classes of " + source.folder + " are its folders' names");
  data::ImageFolderOptions reading;
  if (!source.size.empty()) reading.size = {source.size[0], source.size[1]};
  const fs::path folder = source.folder;
  if (is_folder(folder / "train") && is_folder(folder / "test")) {
    const data::ImageFolder train = data::read_image_folder(folder / "train", reading);
    // The test part has the form of the training part.
    reading.channels = train.images.size(1);
    reading.classes = train.classes;
    return {as_dataset(train), as_dataset(data::read_image_folder(folder / "test", reading)), train.classes};
  }
  const data::ImageFolder all = data::read_image_folder(folder, reading);
  std::vector<std::int32_t> labels;
  for (const double label : all.labels.values()) labels.push_back(static_cast<std::int32_t>(label));
  const data::Split halves = data::stratified_split(labels, source.held_out, seed);
  const data::ImageDataset pictures = as_dataset(all);
  return {take(pictures, halves.kept, {}), take(pictures, halves.held_out, {}), all.classes};
}

}  // namespace

Pictures read_pictures(const PictureSource& source, std::uint64_t seed) {
  const fs::path folder = source.folder;
  if (!is_folder(folder) && source.folder != kFashion)
    throw IoError(source.folder + ": is no folder; expected pictures in folders by class, or IDX files");
  const auto has = [&](const char* name) {
    return fs::exists(folder / name) || fs::exists(folder / (std::string(name) + ".gz"));
  };
  const bool is_idx = source.folder == kFashion || has("train-images-idx3-ubyte") || has("t10k-images-idx3-ubyte");
  Pictures pictures = is_idx ? read_idx_set(source) : read_folders(source, seed);
  const data::ImageDataset &train = pictures.train, &test = pictures.test;
  if (test.size() == 0) throw ValueError(source.folder + ": has no test images");
  if (test.height() != train.height() || test.width() != train.width())
    throw IoError(fmt::format("{}: test images of {} × {}, training images of {} × {}", source.folder, test.height(),
                              test.width(), train.height(), train.width()));
  return pictures;
}

void add_picture_options(CLI::App& command, PictureSource& source) {
  command
      .add_option("data", source.folder,
                  "Folder of a folder a class, with PNG, JPEG or PGM files; of such folders in train and test; or of "
                  "train- and t10k-images-idx3-ubyte and -labels-idx1-ubyte, packed by gzip or not")
      ->capture_default_str();
  command.add_option("--size", source.size, "HEIGHT WIDTH that all pictures are brought to, in training and use")
      ->expected(2)
      ->check(CLI::Range(1, 1 << 14));
  command.add_option("--class-names", source.class_names, "Of the labels 0, 1, … in IDX files; else their numbers");
  command
      .add_option("--test-split", source.held_out,
                  "Share of each class to test on, of folders that are not in train and test")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
}

}  // namespace tapegrad::tools
