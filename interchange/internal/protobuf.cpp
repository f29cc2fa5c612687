#include <tapegrad/interchange/internal/protobuf.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>

namespace tapegrad::protobuf {
namespace {

constexpr int kMostLevels = 100, kMostVarintBytes = 10;

}  // namespace

void Reader::fail(const std::string& why) const {
  throw IoError(fmt::format("at byte {}: {}", rest_.data() - begin_, why));
}

std::string_view Reader::take(std::uint64_t count) {
  if (count > rest_.size()) fail(fmt::format("{} bytes are announced, {} are left", count, rest_.size()));
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

std::uint64_t Reader::varint() {
  std::uint64_t value = 0;
  for (int i = 0; i < kMostVarintBytes; ++i) {
    const auto byte = static_cast<unsigned char>(take(1).front());
    value |= std::uint64_t{byte & 0x7Fu} << 7 * i;
    if (byte < 0x80) return value;
  }
  fail("a number has more than ten bytes");
}

Reader Reader::message() {
  if (depth_ == kMostLevels) fail(fmt::format("messages are nested more than {} levels deep", kMostLevels));
  const std::string_view inner = bytes();
  return {inner, begin_, *budget_, depth_ + 1};
}

std::uint32_t Reader::field() {
  const std::uint64_t key = varint(), number = key >> 3, wire = key & 7;
  if (number == 0 || number >= std::uint64_t{1} << 29) fail(fmt::format("there is no field {}", number));
  if (wire != 0 && wire != 1 && wire != 2 && wire != 5)
    fail(fmt::format("field {} has wire type {}; 0, 1, 2 and 5 are known", number, wire));
  field_ = static_cast<std::uint32_t>(number);
  wire_ = static_cast<Wire>(wire);
  return field_;
}

void Reader::expect(Wire wire) const {
  if (wire_ != wire)
    fail(fmt::format("field {} has wire type {}, {} was expected", field_, static_cast<int>(wire_),
                     static_cast<int>(wire)));
}

void Reader::skip() {
  switch (wire_) {
    case Wire::varint:
      varint();
      break;
    case Wire::fixed64:
      take(8);
      break;
    case Wire::bytes:
      bytes();
      break;
    case Wire::fixed32:
      take(4);
  }
}

void Reader::charge(std::uint64_t count, std::size_t element) {
  if (count > budget_->left / element)
    fail("its content would take many times the file's size in memory; it has too many small parts");
  budget_->left -= count * element;
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

}  // namespace tapegrad::protobuf
