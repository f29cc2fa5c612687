#pragma once
// IDX files, as MNIST and its kin come in.

#include <filesystem>
#include <tapegrad/data/dataset.hpp>

namespace tapegrad::data {

/// The tensor in an IDX file, which gzip may have packed: u8, i32 (of 8, 16 or 32 signed bits), f32 or f64. Throws
/// IoError that says what is wrong with another file: its magic number, too few bytes or too many.
Tensor read_idx(const std::filesystem::path& path);

/// Images of bytes with a class each; batches are f32 [N, C, H, W], scaled, and i64 [N].
class ImageDataset final : public Dataset {
 public:
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

}  // namespace tapegrad::data
