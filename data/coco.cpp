// Pictures with objects: COCO's annotations, and batches of them.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/core/internal/json_text.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/data/detection.hpp>
#include <tapegrad/data/internal/messages.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A box as the file has it, and where.
struct Annotation {
  std::string where;
  double left, top, width, height;
  std::int64_t label;
};

struct Picture {
  std::string file;
  std::vector<Annotation> annotations = {};
};

/// The file, piece by piece: what is missing or of another type is an IoError that says where.
class Annotations {
 public:
  Annotations(const fs::path& path, std::vector<std::string> known) : file_(path.string()), classes_(std::move(known)) {
    constexpr JsonBounds kBounds{.values = 40'000'000};  // the annotations of a hundred thousand pictures
    const std::string text = InputFile(path).read_all();
    const json all = parse_json(text, file_, kBounds);
    read_categories(list(all, "categories"));
    for (std::size_t i = 0; const json& one : list(all, "images")) {
      const std::string where = fmt::format("images[{}]", i++);
      const std::string name = field<std::string>(one, "file_name", where);
      // What stays within the folder.
      if (name.empty() || fs::path(name).is_absolute() || std::ranges::count(fs::path(name), fs::path("..")) > 0)
        refuse(where, fmt::format("the file_name {} leads out of the folder", in_quotes(name)));
      places_[id(one, "id", where)] = pictures_.size();
      pictures_.push_back({name});
    }
    if (places_.size() < pictures_.size()) refuse("images", "two of them have one id");
    for (std::size_t i = 0; const json& one : list(all, "annotations"))
      read_annotation(one, fmt::format("annotations[{}]", i++));
    if (pictures_.empty()) refuse("images", "there is none");
  }

  const std::string& file() const { return file_; }
  const std::vector<Picture>& pictures() const { return pictures_; }
  const std::vector<std::string>& classes() const { return classes_; }
  [[noreturn]] void refuse(const std::string& where, const std::string& why) const {
    throw IoError(fmt::format("{}: {}: {}", file_, where, why));
  }

 private:
  const json& list(const json& all, const char* name) const {
    const auto found = all.is_object() ? all.find(name) : all.end();
    if (found == all.end() || !found->is_array())
      throw IoError(fmt::format(
          "{}: has no list {}; expected the lists images, annotations and categories, as COCO has", file_, name));
    return *found;
  }

  template <class T>
  T field(const json& from, const char* name, const std::string& where) const {
    try {
      return from.at(name).get<T>();
    } catch (const json::exception& error) {
      refuse(where, fmt::format("its {} is missing, or of another type", name));
    }
  }

  /// A number or a text, as one.
  std::string id(const json& from, const char* name, const std::string& where) const {
    const json value = field<json>(from, name, where);
    if (!value.is_number_integer() && !value.is_string()) refuse(where, fmt::format("its {} is no number", name));
    return value.dump();
  }

  void read_categories(const json& categories) {
    std::map<std::int64_t, std::string> names;
    for (std::size_t i = 0; const json& one : categories) {
      const std::string where = fmt::format("categories[{}]", i++);
      const auto number = field<std::int64_t>(one, "id", where);
      if (!names.emplace(number, field<std::string>(one, "name", where)).second)
        refuse(where, fmt::format("the id {} is there twice", number));
    }
    const bool adds = classes_.empty();
    for (const auto& [number, name] : names) {
      const auto known = std::ranges::find(classes_, name);
      if (adds ? known != classes_.end() : known == classes_.end())
        refuse("categories", adds ? fmt::format("{} is there twice", in_quotes(name))
                                  : fmt::format("{} is not known; there are {}", in_quotes(name),
                                                printable(fmt::format("{}", fmt::join(classes_, ", ")))));
      labels_[number] = known - classes_.begin();
      if (adds) classes_.push_back(name);
    }
    if (classes_.empty()) refuse("categories", "there is none");
  }

  void read_annotation(const json& one, const std::string& where) {
    if (one.contains("iscrowd") && one["iscrowd"] != 0)
      refuse(where, "is of a crowd (iscrowd); annotate its objects, or leave it out");
    const auto picture = places_.find(id(one, "image_id", where));
    if (picture == places_.end()) refuse(where, "no image has its image_id");
    const auto label = labels_.find(field<std::int64_t>(one, "category_id", where));
    if (label == labels_.end()) refuse(where, "no category has its category_id");
    const auto box = field<std::vector<double>>(one, "bbox", where);
    if (box.size() != 4 || !(box[2] > 0 && box[3] > 0) ||
        !std::ranges::all_of(box, [](double x) { return std::isfinite(x); }))
      refuse(where, fmt::format("its bbox is [{}]; expected [left, top, width, height], the last two above 0",
                                fmt::join(box, ", ")));
    pictures_[picture->second].annotations.push_back({where, box[0], box[1], box[2], box[3], label->second});
  }

  std::string file_;
  std::vector<std::string> classes_;
  std::map<std::int64_t, std::int64_t> labels_;
  std::map<std::string, std::size_t> places_;
  std::vector<Picture> pictures_;
};

Tensor objects_of(const Annotations& from, const Picture& picture, const Tensor& pixels, double across, double down) {
  const auto width = static_cast<double>(pixels.size(1)), height = static_cast<double>(pixels.size(0));
  constexpr double kRounding = 1;  // pixels that programs let boxes stand out
  std::vector<float> numbers;
  for (const auto& [where, left, top, w, h, label] : picture.annotations) {
    if (left < -kRounding || top < -kRounding || left + w > width + kRounding || top + h > height + kRounding)
      from.refuse(where, fmt::format("its bbox [{}, {}, {}, {}] leaves {}, which is {} wide and {} high", left, top, w,
                                     h, picture.file, width, height));
    for (const double edge : {std::max(0.0, left) * across, std::max(0.0, top) * down,
                              std::min(width, left + w) * across, std::min(height, top + h) * down})
      numbers.push_back(static_cast<float>(edge));
    numbers.push_back(static_cast<float>(label));
  }
  return copy_of(numbers, Shape{std::ssize(picture.annotations), 5});
}

}  // namespace

ObjectPictures read_coco(const fs::path& annotations, const fs::path& folder, const ImageFolderOptions& options) {
  const Annotations from(annotations, options.classes);
  std::vector<Tensor> pictures;
  ObjectPictures all{{}, {}, from.classes()};
  bool is_colour = options.channels == 3;
  for (const Picture& one : from.pictures()) {
    const fs::path file = folder / one.file;
    Tensor pixels = read_picture(file);
    const ImageFolderOptions::Size own{pixels.size(0), pixels.size(1)};
    const ImageFolderOptions::Size size = options.size ? *options.size
                                          : pictures.empty()
                                              ? own
                                              : ImageFolderOptions::Size{pictures[0].size(0), pictures[0].size(1)};
    if (!options.size && (own.height != size.height || own.width != size.width))
      throw IoError(fmt::format("{}: is {} × {}, where {} is {} × {}; choose a size for all", file.string(), own.height,
                                own.width, (folder / from.pictures()[0].file).string(), size.height, size.width));
    all.objects.push_back(objects_of(from, one, pixels,
                                     static_cast<double>(size.width) / static_cast<double>(own.width),
                                     static_cast<double>(size.height) / static_cast<double>(own.height)));
    if (options.size) pixels = resize_picture(pixels, size.height, size.width);
    is_colour = is_colour || (options.channels == 0 && pixels.size(2) == 3);
    pictures.push_back(pixels);
  }
  const std::int64_t channels = is_colour ? 3 : 1, count = std::ssize(pictures);
  all.images = empty({count, channels, pictures[0].size(0), pictures[0].size(1)}, u8);
  auto to = all.images.mutable_data<std::uint8_t>();
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    try {
      pictures[i] = permute(with_channels(pictures[i], channels), {2, 0, 1}).contiguous();
    } catch (const ValueError& error) {
      throw IoError(fmt::format("{}: {}", (folder / from.pictures()[i].file).string(), error.what()));
    }
    std::ranges::copy(pictures[i].data<std::uint8_t>(), to.begin());
    to = to.subspan(static_cast<std::size_t>(pictures[i].numel()));
    pictures[i] = {};
  }
  return all;
}

DetectionDataset::DetectionDataset(ObjectPictures pictures, ImageDataset::Scaling scaling)
    : images_(pictures.images, zeros({pictures.images.size(0)}, i64), 1, scaling), pictures_(std::move(pictures)) {
  if (size() != std::ssize(pictures_.objects))
    throw ShapeError(
        fmt::format("DetectionDataset: {} images, and the objects of {} pictures", size(), pictures_.objects.size()));
  for (std::size_t i = 0; i < pictures_.objects.size(); ++i)
    if (const Tensor& o = pictures_.objects[i]; o.dtype() != f32 || o.rank() != 2 || o.size(1) != 5)
      throw ShapeError(
          fmt::format("DetectionDataset: the objects of picture {} are {}; expected f32 [n, 5]", i, describe(o)));
}

Batch DetectionDataset::batch(std::span<const std::int64_t> rows) const {
  Batch batch = images_.batch(rows);
  std::int64_t most = 0;
  for (const std::int64_t row : rows) most = std::max(most, pictures_.objects[static_cast<std::size_t>(row)].size(0));
  batch.targets = full({std::ssize(rows), most, 5}, -1);
  float* to = batch.targets.mutable_data<float>().data();
  for (const std::int64_t row : rows) {
    const Tensor objects = pictures_.objects[static_cast<std::size_t>(row)].contiguous();
    std::ranges::copy(objects.data<float>(), to);
    to += 5 * most;
  }
  return batch;
}

}  // namespace tapegrad::data
