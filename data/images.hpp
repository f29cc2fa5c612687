#pragma once
// Images: IDX files, as MNIST and its kin come in, PGM, PNG and JPEG files, and augmentations of batches.

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/data/dataset.hpp>
#include <tapegrad/data/loader.hpp>
#include <vector>

namespace tapegrad::data {

/// The tensor in an IDX file, which gzip may have packed: u8, i32 (of 8, 16 or 32 signed bits), f32 or f64. Throws
/// IoError that says what is wrong with another file: its magic number, too few bytes or too many.
Tensor read_idx(const std::filesystem::path& path);

/// Images of bytes with a class each; batches are f32 [N, C, H, W], scaled, and i64 [N].
class ImageDataset final : public Dataset {
 public:
  /// How bytes become the numbers that a model reads.
  struct Scaling {
    double mean = 0, deviation = 1;  ///< of pixels in [0, 1]: x = (byte / 255 - mean) / deviation
  };
  /// Images u8 [N, H, W] or [N, C, H, W], labels of an integer dtype [N]. Throws ShapeError or DTypeError for others,
  /// and ValueError, which names the row, for a label outside [0, classes).
  ImageDataset(Tensor images, const Tensor& labels, std::int64_t classes, Scaling scaling);
  ImageDataset(Tensor images, const Tensor& labels, std::int64_t classes)
      : ImageDataset(std::move(images), labels, classes, Scaling{}) {}

  std::int64_t size() const override { return images_.size(0); }
  Batch batch(std::span<const std::int64_t> rows) const override;

  std::int64_t channels() const { return images_.size(1); }
  std::int64_t height() const { return images_.size(2); }
  std::int64_t width() const { return images_.size(3); }
  std::int64_t classes() const { return classes_; }
  const Tensor& images() const { return images_; }
  const Tensor& labels() const { return labels_; }

 private:
  Tensor images_, labels_;
  std::int64_t classes_;
  Scaling scaling_;
};

/// The mean and the deviation of the pixels of `rows`, the training part, of images of bytes.
ImageDataset::Scaling fit_scaling(const Tensor& images, std::span<const std::int64_t> rows);

/// The data set in two IDX files. IoError, which names both files, if they do not belong together.
ImageDataset read_idx_images(const std::filesystem::path& images, const std::filesystem::path& labels,
                             std::int64_t classes, ImageDataset::Scaling scaling);

/// A grey image in the binary form (P5) or as text (P2): u8 [height, width], where white, of at most 255 in the file,
/// is 255. Throws IoError that says what is wrong with another file: its magic number, pixels of two bytes or brighter
/// than white, too few bytes or too many.
Tensor read_pgm(const std::filesystem::path& path);

/// A PNG, JPEG or PGM file, known by its first bytes: u8 [height, width, 1] if it is grey, else [height, width, 3],
/// red, green and blue. Palettes are looked up, 16 bits become 8, and what is transparent shows white. Throws IoError
/// that says what is wrong with another file, one that ends too early too, or that its pixels are more than
/// input_limits().unpacked.
Tensor read_picture(const std::filesystem::path& path);

/// u8 [H, W, C] at another size: each pixel is the mean of the part that it stands for. A picture of another form is
/// stretched.
Tensor resize_picture(const Tensor& picture, std::int64_t height, std::int64_t width);

/// A picture with 1 or 3 channels: a grey one takes its value for red, green and blue; one in colour becomes grey if
/// these are equal everywhere. ValueError for another.
Tensor with_channels(const Tensor& picture, std::int64_t channels);

/// Pictures in folders by class.
struct ImageFolder {
  Tensor images, labels;             ///< u8 [N, C, H, W], where C is 1 if all are grey, else 3; i64 [N]
  std::vector<std::string> classes;  ///< the folders' names
};
/// Of read_image_folder().
struct ImageFolderOptions {
  /// In pixels.
  struct Size {
    std::int64_t height = 0, width = 0;
  };
  std::optional<Size> size = {};          ///< of all pictures; the size of the first if not given
  std::int64_t channels = 0;              ///< 1 or 3; 0: what the pictures have
  std::vector<std::string> classes = {};  ///< known beforehand, in the order of the labels; sorted by name if empty
};
/// Reads FOLDER/CLASS/PICTURE, by name. IoError, which names the file, for what is no picture, one of another size
/// where none is given, a class that is not known or has no picture, and where there is no class at all.
ImageFolder read_image_folder(const std::filesystem::path& folder, const ImageFolderOptions& options = {});

}  // namespace tapegrad::data

namespace tapegrad::data::augment {

/// Left becomes right, with a probability.
Transform flip(std::uint64_t seed, double probability = 0.5);
/// Moves by up to `pixels` in each direction; what comes in is 0.
Transform shift(std::uint64_t seed, std::int64_t pixels);
/// Cuts out a random window of this size.
Transform crop(std::uint64_t seed, std::int64_t height, std::int64_t width);
/// Adds normal noise.
Transform noise(std::uint64_t seed, double deviation);
/// One after the other.
Transform sequence(std::vector<Transform> parts);

}  // namespace tapegrad::data::augment
