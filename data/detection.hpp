#pragma once
// Pictures with the objects in them, as detectors learn from.

#include <filesystem>
#include <string>
#include <tapegrad/data/images.hpp>
#include <vector>

namespace tapegrad::data {

/// Pictures of one size and what is in each.
struct ObjectPictures {
  Tensor images;                     ///< u8 [N, C, H, W]
  std::vector<Tensor> objects;       ///< f32 [n, 5] a picture: left, top, right, bottom in pixels, and the class
  std::vector<std::string> classes;  ///< names
};

/// Pictures and a JSON file in the form of COCO: "images" have id, file_name, width and height; "annotations" image_id,
/// category_id and bbox [left, top, width, height]; "categories" id and name, which become classes in the order of
/// their ids. Pictures are looked for in `folder`, and brought to options.size, if that is given, their boxes with
/// them; options.classes, if there are any, are the names known beforehand. IoError, which names the file and the
/// annotation, for one that is not of this form, a box without an area or outside its picture, a crowd
/// (iscrowd 1), which is no object, a category that is not known, and pictures of different sizes.
ObjectPictures read_coco(const std::filesystem::path& annotations, const std::filesystem::path& folder,
                         const ImageFolderOptions& options = {});

/// Batches of them: f32 [B, C, H, W], scaled, and the objects, f32 [B, n, 5], where a class of -1 marks rows that only
/// fill up.
class DetectionDataset final : public Dataset {
 public:
  /// ShapeError or DTypeError for tensors of other forms.
  DetectionDataset(ObjectPictures pictures, ImageDataset::Scaling scaling);

  std::int64_t size() const override { return images_.size(); }
  Batch batch(std::span<const std::int64_t> rows) const override;
  const ObjectPictures& pictures() const { return pictures_; }

 private:
  ImageDataset images_;
  ObjectPictures pictures_;
};

}  // namespace tapegrad::data

namespace tapegrad::data::augment {

/// Left becomes right, with a probability, and the objects with it.
Transform flip_objects(std::uint64_t seed, double probability = 0.5);

}  // namespace tapegrad::data::augment
