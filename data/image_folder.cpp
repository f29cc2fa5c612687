#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/data/images.hpp>
#include <tapegrad/data/internal/folder_listing.hpp>
#include <tapegrad/ops/resample.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::data {
namespace {

namespace fs = std::filesystem;

void require_picture(const Tensor& picture, const char* who) {
  if (picture.dtype() != u8)
    throw DTypeError(fmt::format("{}: a picture of {}; expected bytes, u8", who, name_of(picture.dtype())));
  if (picture.rank() != 3 || (picture.size(2) != 1 && picture.size(2) != 3))
    throw ShapeError(fmt::format("{}: a picture {}; expected [height, width, 1] or [height, width, 3]", who,
                                 to_string(picture.shape())));
}

/// Pictures as they come, which may turn out to be in colour late.
class Gathering {
 public:
  explicit Gathering(const ImageFolderOptions& options)
      : size_(options.size), resizes_(options.size.has_value()), channels_(options.channels) {}

  void add(const fs::path& file, std::int64_t label) {
    Tensor picture = read_picture(file);
    if (!size_) {
      size_ = {picture.size(0), picture.size(1)};
      first_ = file;
    }
    if (resizes_)
      picture = resize_picture(picture, size_->height, size_->width);
    else if (picture.size(0) != size_->height || picture.size(1) != size_->width)
      throw IoError(fmt::format("{}: is {} × {}, where {} is {} × {}; choose a size for all", file.string(),
                                picture.size(0), picture.size(1), first_.string(), size_->height, size_->width));
    if (channels_ != 0) picture = as_asked(picture, file);
    is_colour_ = is_colour_ || picture.size(2) == 3;
    pictures_.push_back(picture);
    labels_.push_back(label);
  }

  ImageFolder finish(std::vector<std::string> classes) && {
    const std::int64_t channels = is_colour_ ? 3 : 1, count = std::ssize(pictures_);
    ImageFolder all{empty({count, channels, size_->height, size_->width}, u8), copy_of(labels_, Shape{count}),
                    std::move(classes)};
    auto to = all.images.mutable_data<std::uint8_t>();
    for (Tensor& picture : pictures_) {
      const Tensor planes = permute(with_channels(picture, channels), {2, 0, 1}).contiguous();
      std::ranges::copy(planes.data<std::uint8_t>(), to.begin());
      to = to.subspan(static_cast<std::size_t>(planes.numel()));
      picture = {};
    }
    return all;
  }

 private:
  Tensor as_asked(const Tensor& picture, const fs::path& file) const {
    try {
      return with_channels(picture, channels_);
    } catch (const ValueError& error) {
      throw IoError(fmt::format("{}: {}", file.string(), error.what()));
    }
  }

  std::optional<ImageFolderOptions::Size> size_;
  bool resizes_;
  std::int64_t channels_;
  bool is_colour_ = false;
  fs::path first_;
  std::vector<Tensor> pictures_;
  std::vector<std::int64_t> labels_;
};

}  // namespace

Tensor resize_picture(const Tensor& picture, std::int64_t height, std::int64_t width) {
  require_picture(picture, "resize_picture");
  if (height < 1 || width < 1)
    throw ValueError(fmt::format("resize_picture: a size of {} × {}; both must be above 0", height, width));
  if (picture.size(0) == height && picture.size(1) == width) return picture;
  const NoGrad no_grad;
  const Tensor planes = unsqueeze(permute(cast(picture, f32), {2, 0, 1}), 0);
  const Tensor sized = interpolate(planes, {.size = {height, width}, .mode = Interpolation::area});
  const Tensor last = permute(squeeze(sized, 0), {1, 2, 0}).contiguous();
  Tensor bytes = empty(last.shape(), u8);
  std::ranges::transform(last.data<float>(), bytes.mutable_data<std::uint8_t>().begin(),
                         [](float value) { return static_cast<std::uint8_t>(std::lround(value)); });
  return bytes;
}

Tensor with_channels(const Tensor& picture, std::int64_t channels) {
  require_picture(picture, "with_channels");
  if (channels != 1 && channels != 3)
    throw ValueError(fmt::format("with_channels: {} channels; a picture has 1 or 3", channels));
  if (picture.size(2) == channels) return picture;
  const Tensor dense = picture.contiguous();
  const auto from = dense.data<std::uint8_t>();
  Tensor changed = empty({picture.size(0), picture.size(1), channels}, u8);
  const auto to = changed.mutable_data<std::uint8_t>();
  if (channels == 3) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[i / 3];
    return changed;
  }
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] = from[3 * i];
    if (from[3 * i + 1] != to[i] || from[3 * i + 2] != to[i])
      throw ValueError("a picture in colour, where grey is expected");
  }
  return changed;
}

ImageFolder read_image_folder(const fs::path& folder, const ImageFolderOptions& options) {
  const FolderListing listing = list_folder(folder);
  std::vector<std::string> classes = options.classes;
  if (classes.empty())
    for (const fs::path& one : listing.folders) classes.push_back(one.filename().string());
  if (listing.folders.empty())
    throw IoError(fmt::format("{}: has no folder; expected one a class, with its pictures", folder.string()));
  Gathering pictures(options);
  for (const fs::path& one : listing.folders) {
    const auto place = std::ranges::find(classes, one.filename().string());
    if (place == classes.end())
      throw IoError(fmt::format("{}: is no class that is known; there are {}", one.string(),
                                printable(fmt::format("{}", fmt::join(classes, ", ")))));
    const FolderListing members = list_folder(one);
    if (members.files.empty()) throw IoError(fmt::format("{}: has no picture", one.string()));
    for (const fs::path& file : members.files) pictures.add(file, place - classes.begin());
  }
  return std::move(pictures).finish(std::move(classes));
}

}  // namespace tapegrad::data
