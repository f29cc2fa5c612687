#include <tapegrad/io/internal/safetensors_header.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/json_text.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <unordered_set>

namespace tapegrad::io {
namespace {

using nlohmann::json;

// A file of this many is larger than any model; the table of its tensors would outgrow the file.
constexpr std::size_t kMostTensors = 200'000, kMostMetadata = 100'000;

// Names come from the file: they may be long, and anything.
std::string shown_name(std::string_view name) { return '"' + printable(name, 60) + '"'; }

// Takes the header as it is read, so that nothing is built of what is refused, and duplicate keys are seen.
class Reader final : public nlohmann::json_sax<json> {
 public:
  Reader(const std::string& file, SafetensorsHeader& header) : file_(file), header_(header) {}

  [[noreturn]] void refuse(const std::string& what) const {
    throw IoError(fmt::format("{}: not a safetensors file: {}", file_, what));
  }

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::start:
        place_ = Place::top;
        return true;
      case Place::top_value:
        place_ = Place::tensor;
        format_ = nullptr;
        shape_.reset();
        offsets_.reset();
        return true;
      case Place::metadata_start:
        place_ = Place::metadata;
        return true;
      default:
        unexpected("an object");
    }
  }

  bool end_object() override {
    if (place_ == Place::tensor) finish_tensor();
    place_ = place_ == Place::top ? Place::end : Place::top;
    return true;
  }

  bool key(std::string& key) override {
    if (place_ == Place::top) {
      if (!names_.insert(key).second) refuse(fmt::format("it has {} twice", shown_name(key)));
      name_ = std::move(key);
      place_ = name_ == "__metadata__" ? Place::metadata_start : Place::top_value;
    } else if (place_ == Place::metadata) {
      if (header_.metadata.contains(key)) refuse(fmt::format("its metadata have {} twice", shown_name(key)));
      key_ = std::move(key);
    } else {
      key_ = std::move(key);
      const bool again =
          (key_ == "dtype" && format_) || (key_ == "shape" && shape_) || (key_ == "data_offsets" && offsets_);
      if (again) refuse(fmt::format("{} has {} twice", shown_name(name_), key_));
      if (key_ != "dtype" && key_ != "shape" && key_ != "data_offsets")
        refuse(fmt::format("{} has {}, which means nothing", shown_name(name_), shown_name(key_)));
    }
    return true;
  }

  bool string(std::string& value) override {
    if (place_ == Place::metadata) {
      if (header_.metadata.size() == kMostMetadata) refuse(fmt::format("it has more than {} metadata", kMostMetadata));
      header_.metadata.emplace(std::move(key_), std::move(value));
      return true;
    }
    if (place_ != Place::tensor || key_ != "dtype") unexpected("a text");
    format_ = find_format(&ElementFormat::safetensors, value);
    if (!format_)
      throw IoError(fmt::format("{}: the tensor {} has the dtype {}; can be read: {}", file_, shown_name(name_),
                                shown_name(value), format_names(&ElementFormat::safetensors)));
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || key_ == "dtype") unexpected("an array");
    place_ = Place::array;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    place_ = Place::tensor;
    (key_ == "shape" ? shape_ : offsets_) = numbers_;
    return true;
  }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ != Place::array) unexpected("a number");
    const std::size_t most = key_ == "shape" ? static_cast<std::size_t>(kMaxRank) : 2;
    if (numbers_.size() == most)
      refuse(fmt::format("{} of {} has more than {} numbers", key_, shown_name(name_), most));
    numbers_.push_back(value);
    return true;
  }

  bool number_integer(std::int64_t value) override { unexpected(fmt::format("the number {}", value)); }
  bool number_float(double, const std::string& text) override { unexpected("the number " + text.substr(0, 30)); }
  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a truth value"); }
  bool binary(json::binary_t&) override { unexpected("bytes"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    refuse(fmt::format("its header is not JSON, at byte {}: {}", position, printable(error.what(), 200)));
  }

 private:
  enum class Place { start, top, top_value, tensor, array, metadata_start, metadata, end };

  [[noreturn]] void unexpected(const std::string& what) const {
    const char* where = place_ == Place::start      ? "instead of an object"
                        : place_ == Place::metadata ? "among its metadata, which are texts"
                        : place_ == Place::end      ? "after the end"
                                                    : "";
    if (*where) refuse(fmt::format("its header has {} {}", what, where));
    const bool inside = place_ == Place::tensor || place_ == Place::array;
    refuse(fmt::format("{}{} has {}", inside ? key_ + " of " : "", shown_name(name_), what));
  }

  void finish_tensor() {
    if (!format_ || !shape_ || !offsets_)
      refuse(fmt::format("{} has no {}", shown_name(name_), !format_ ? "dtype" : !shape_ ? "shape" : "data_offsets"));
    if (offsets_->size() != 2) refuse(fmt::format("data_offsets of {} are not two", shown_name(name_)));
    const std::uint64_t begin = (*offsets_)[0], end = (*offsets_)[1];
    if (end < begin) refuse(fmt::format("{} ends at byte {}, before it begins, at {}", shown_name(name_), end, begin));
    const auto shape = checked_shape();
    if (!shape || static_cast<std::uint64_t>(shape->numel()) * format_->bytes != end - begin)
      refuse(fmt::format("{} is {} [{}], and has {} bytes", shown_name(name_), format_->safetensors,
                         fmt::join(*shape_, ", "), end - begin));
    if (header_.tensors.size() == kMostTensors) refuse(fmt::format("it has more than {} tensors", kMostTensors));
    header_.tensors.push_back({name_, format_, *shape, begin, end});
  }

  // Nothing where an extent or the number of elements is beyond what a file can hold.
  std::optional<Shape> checked_shape() const {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 59;
    std::vector<std::int64_t> dims;
    std::uint64_t product = 1;
    for (const std::uint64_t extent : *shape_) {
      if (extent > kMost || __builtin_mul_overflow(product, std::max<std::uint64_t>(extent, 1), &product) ||
          product > kMost)
        return std::nullopt;
      dims.push_back(static_cast<std::int64_t>(extent));
    }
    return Shape(std::span<const std::int64_t>(dims));
  }

  const std::string& file_;
  SafetensorsHeader& header_;
  Place place_ = Place::start;
  std::unordered_set<std::string> names_;
  std::string name_, key_;
  const ElementFormat* format_ = nullptr;
  std::optional<std::vector<std::uint64_t>> shape_, offsets_;
  std::vector<std::uint64_t> numbers_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes, const std::string& file) {
  SafetensorsHeader header;
  Reader reader(file, header);
  if (!text.starts_with('{')) reader.refuse("its header does not begin with '{'");
  constexpr JsonBounds kBounds{.depth = std::numeric_limits<std::size_t>::max(),
                               .values = std::numeric_limits<std::size_t>::max(),
                               .string = std::size_t{16} << 20};
  // The reader itself refuses what is nested.
  check_json_bounds(text, file + ": not a safetensors file", kBounds);
  json::sax_parse(text, &reader);

  // Without holes, overlaps or a rest: every byte has one meaning.
  std::ranges::stable_sort(header.tensors, {}, [](const TensorEntry& t) { return std::pair(t.begin, t.end); });
  std::uint64_t covered = 0;
  for (const TensorEntry& tensor : header.tensors) {
    if (tensor.begin != covered)
      reader.refuse(fmt::format("{} begins at byte {} of the data, where the one before it ends at {}",
                                shown_name(tensor.name), tensor.begin, covered));
    if (tensor.end > data_bytes)
      reader.refuse(fmt::format("{} ends at byte {} of the data, of which there are {}; it may be cut short",
                                shown_name(tensor.name), tensor.end, data_bytes));
    covered = tensor.end;
  }
  if (covered != data_bytes) reader.refuse(fmt::format("{} bytes follow the last tensor", data_bytes - covered));
  return header;
}

}  // namespace tapegrad::io
