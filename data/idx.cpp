#include <tapegrad/data/images.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/byte_stream.hpp>
#include <tapegrad/data/splits.hpp>

namespace tapegrad::data {
namespace {

struct ElementType {
  unsigned code;
  std::size_t bytes;
  DType dtype;
};
constexpr ElementType kTypes[] = {{0x08, 1, u8},  {0x09, 1, i32}, {0x0B, 2, i32},
                                  {0x0C, 4, i32}, {0x0D, 4, f32}, {0x0E, 8, f64}};

// IDX files are big-endian.
std::uint64_t big_endian(const char* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// Takes the elements off the stream, which has them.
Tensor decode(ByteStream& stream, const ElementType& type, const Shape& shape) {
  Tensor tensor = empty(shape, type.dtype);
  constexpr std::size_t kBlock = 1 << 13;  // elements
  const auto fill = [&]<class T>(auto convert) {
    std::span<T> to = tensor.mutable_data<T>();
    while (!to.empty()) {
      const std::size_t count = std::min(kBlock, to.size());
      const std::string block = stream.read(count * type.bytes);
      if (block.size() < count * type.bytes) throw IoError(stream.what() + "it became shorter while it was read");
      for (std::size_t i = 0; i < count; ++i) to[i] = convert(big_endian(block.data() + i * type.bytes, type.bytes));
      to = to.subspan(count);
    }
  };
  const int shift = 64 - 8 * static_cast<int>(type.bytes);
  switch (type.dtype) {
    case DType::u8:
      fill.template operator()<std::uint8_t>([](std::uint64_t v) { return static_cast<std::uint8_t>(v); });
      break;
    case DType::i32:  // the sign is that of the highest bit
      fill.template operator()<std::int32_t>(
          [=](std::uint64_t v) { return static_cast<std::int32_t>(static_cast<std::int64_t>(v << shift) >> shift); });
      break;
    case DType::f32:
      fill.template operator()<float>(
          [](std::uint64_t v) { return std::bit_cast<float>(static_cast<std::uint32_t>(v)); });
      break;
    default:
      fill.template operator()<double>([](std::uint64_t v) { return std::bit_cast<double>(v); });
  }
  return tensor;
}

void require_bytes(const Tensor& images, const char* who) {
  if (images.dtype() != u8)
    throw DTypeError(fmt::format("{}: images of {}; expected bytes, u8", who, name_of(images.dtype())));
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path) {
  const InputFile file(path);
  ByteStream stream(file);
  const auto refuse = [&](const std::string& why) {
    throw IoError(fmt::format("{}: not an IDX file: {}", path.string(), why));
  };
  const std::string magic = stream.read(4);
  if (magic.size() < 4) refuse(fmt::format("it has only {} bytes", magic.size()));
  const auto number = static_cast<unsigned>(big_endian(magic.data(), 4));
  const ElementType* type = nullptr;
  for (const ElementType& t : kTypes)
    if (t.code == (number >> 8)) type = &t;
  const unsigned rank = number & 0xff;
  if (!type || rank < 1 || rank > kMaxRank)
    refuse(fmt::format("its magic number is {} (0x{:08X}); images of bytes have 2051, labels 2049{}", number, number,
                       magic == "PK\x03\x04" ? "; it is a ZIP archive: unpack it" : ""));
  const std::string header = stream.read(4 * rank);
  if (header.size() < 4 * rank) refuse("it ends within its header");
  std::vector<std::int64_t> dims;
  std::uint64_t bytes = type->bytes;
  for (unsigned i = 0; i < rank; ++i) {
    const std::uint64_t dim = big_endian(header.data() + 4 * i, 4);
    dims.push_back(static_cast<std::int64_t>(dim));
    // A bound above all sizes that memory has keeps the product from wrapping round; a zero excuses no other size.
    if (dim > 1 && bytes > (std::uint64_t{1} << 50) / dim) refuse("its header asks for more than a memory holds");
    bytes *= std::max<std::uint64_t>(dim, 1);
  }
  const Shape shape(dims);
  bytes = static_cast<std::uint64_t>(shape.numel()) * type->bytes;
  const std::uint64_t there = stream.count(bytes + 1);
  if (there != bytes)
    throw IoError(fmt::format("{}: {} for its shape {}: {} bytes expected, {}", path.string(),
                              there < bytes ? "is cut short" : "has too many bytes", to_string(shape), bytes,
                              there < bytes ? fmt::format("{} there", there) : "more there"));
  return decode(stream, *type, shape);
}

ImageDataset::ImageDataset(Tensor images, const Tensor& labels, std::int64_t classes, Scaling scaling)
    : images_(std::move(images)), classes_(classes), scaling_(scaling) {
  require_bytes(images_, "ImageDataset");
  if (images_.rank() == 3) {
    Tensor with_channel = empty({images_.size(0), 1, images_.size(1), images_.size(2)}, u8);
    const Tensor dense = images_.contiguous();
    std::ranges::copy(dense.data<std::uint8_t>(), with_channel.mutable_data<std::uint8_t>().begin());
    images_ = std::move(with_channel);
  }
  if (images_.rank() != 4 || labels.rank() != 1 || labels.size(0) != images_.size(0))
    throw ShapeError(fmt::format("ImageDataset: images {} with labels {}; expected [N, H, W] or [N, C, H, W] and [N]",
                                 to_string(images_.shape()), to_string(labels.shape())));
  if (is_floating(labels.dtype()))
    throw DTypeError(fmt::format("ImageDataset: labels of {}; classes are integers", name_of(labels.dtype())));
  if (!(scaling.deviation > 0))
    throw ValueError(fmt::format("ImageDataset: the deviation is {}; it must be above 0", scaling.deviation));
  images_ = images_.contiguous();
  labels_ = empty(labels.shape(), i64);
  const auto out = labels_.mutable_data<std::int64_t>();
  const std::vector<double> values = labels.values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    out[i] = static_cast<std::int64_t>(values[i]);
    if (out[i] < 0 || out[i] >= classes)
      throw ValueError(fmt::format("ImageDataset: row {} has the label {}; there are {} classes", i, out[i], classes));
  }
}

Batch ImageDataset::batch(std::span<const std::int64_t> rows) const {
  check_rows(rows, size());
  const auto all = images_.data<std::uint8_t>();
  const auto labels = labels_.data<std::int64_t>();
  const std::size_t pixels = images_.shape().numel() == 0 ? 0 : all.size() / labels.size();
  Batch batch{{empty(images_.shape().with(0, std::ssize(rows)))}, empty({std::ssize(rows)}, i64), std::ssize(rows)};
  // One rounding of the whole, whatever the scaling.
  float value[256];
  for (int byte = 0; byte < 256; ++byte)
    value[byte] = static_cast<float>((byte / 255.0 - scaling_.mean) / scaling_.deviation);
  float* to = batch.inputs[0].mutable_data<float>().data();
  const auto targets = batch.targets.mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<std::size_t>(rows[i]);
    targets[i] = labels[row];
    for (const std::uint8_t byte : all.subspan(row * pixels, pixels)) *to++ = value[byte];
  }
  return batch;
}

ImageDataset::Scaling fit_scaling(const Tensor& images, std::span<const std::int64_t> rows) {
  require_bytes(images, "fit_scaling");
  check_rows(rows, images.size(0));
  const Tensor dense = images.contiguous();
  const auto all = dense.data<std::uint8_t>();
  const std::size_t pixels = images.numel() == 0 ? 0 : all.size() / static_cast<std::size_t>(images.size(0));
  if (rows.empty() || pixels == 0) throw ValueError("fit_scaling: there are no pixels");
  // Sums of integers are exact.
  std::uint64_t sum = 0, squares = 0;
  for (const std::int64_t row : rows)
    for (const std::uint64_t byte : all.subspan(static_cast<std::size_t>(row) * pixels, pixels)) {
      sum += byte;
      squares += byte * byte;
    }
  const double count = static_cast<double>(rows.size() * pixels), mean = static_cast<double>(sum) / count;
  const double variance = static_cast<double>(squares) / count - mean * mean;
  return {mean / 255, variance > 0 ? std::sqrt(variance) / 255 : 1};
}

ImageDataset read_idx_images(const std::filesystem::path& images, const std::filesystem::path& labels,
                             std::int64_t classes, ImageDataset::Scaling scaling) {
  try {
    return {read_idx(images), read_idx(labels), classes, scaling};
  } catch (const IoError&) {
    throw;
  } catch (const Error& error) {
    throw IoError(fmt::format("{} with {}: {}", images.string(), labels.string(), error.what()));
  }
}

}  // namespace tapegrad::data
