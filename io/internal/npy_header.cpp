#include <tapegrad/io/internal/npy_header.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <utility>
#include <vector>

namespace tapegrad::io {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr std::uint64_t kLongestHeader = 10'000;  // NumPy's own limit

struct NpyDType {
  std::string_view code;
  DType dtype;
};
constexpr NpyDType kDTypes[] = {{"f4", f32}, {"f8", f64}, {"i8", i64}, {"i4", i32}, {"u1", u8}, {"b1", boolean}};

/// Reads the header's dictionary, which is a Python literal, and no other Python.
class Parser {
 public:
  Parser(std::string_view text, const std::string& what) : text_(text), what_(what) {}

  NpyHeader parse() {
    NpyHeader header;
    std::array<bool, 3> seen{};
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string("a key");
      expect(':');
      const std::size_t known = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      if (known == 3) refuse(fmt::format("the header has the key '{}'", printable(key, 40)));
      if (std::exchange(seen[known], true)) refuse(fmt::format("the header has the key '{}' twice", key));
      if (known == 0)
        dtype(header);
      else if (known == 1)
        header.fortran_order = truth();
      else
        header.shape = shape();
      if (accept('}')) break;
      expect(',');
    }
    skip_space();
    if (at_ != text_.size()) refuse("something follows the header's dictionary");
    if (!(seen[0] && seen[1] && seen[2])) refuse("the header lacks 'descr', 'fortran_order' or 'shape'");
    return header;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const { throw IoError(what_ + why); }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse(fmt::format("the header lacks a '{}' at character {}", c, at_));
  }
  std::string_view string(const char* wanted) {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    const std::size_t end = quote == '\'' || quote == '"' ? text_.find(quote, at_ + 1) : std::string_view::npos;
    if (end == std::string_view::npos)
      refuse(fmt::format("the header lacks {} in quotes at character {}", wanted, at_));
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return inside;
  }

  void dtype(NpyHeader& header) {
    if (accept('[') || accept('(')) refuse("its dtype has fields or sub-arrays; save one column or field");
    const std::string_view text = string("a dtype");
    const char order = text.empty() ? '\0' : text[0];
    for (const NpyDType& known : kDTypes) {
      if (text.substr(text.empty() ? 0 : 1) != known.code) continue;
      if (order != '<' && order != '>' && !(order == '|' && size_of(known.dtype) == 1)) continue;
      header.dtype = known.dtype;
      header.swapped = order == '>' && size_of(known.dtype) > 1;
      return;
    }
    refuse(fmt::format("its dtype is '{}'; f4, f8, i4, i8, u1 and b1 are read, so save it with astype() to one of them",
                       printable(text, 40)));
  }
  bool truth() {
    skip_space();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    refuse("'fortran_order' is neither True nor False");
  }
  Shape shape() {
    std::vector<std::int64_t> extents;
    std::int64_t count = 1;
    bool tuple = true;
    expect('(');
    while (!accept(')')) {
      extents.push_back(extent());
      if (extents.size() > kMaxRank) refuse(fmt::format("it has more than {} axes", kMaxRank));
      // Zeros do not excuse the other extents.
      if (__builtin_mul_overflow(count, std::max<std::int64_t>(extents.back(), 1), &count) ||
          count > (std::int64_t{1} << 48))
        refuse(fmt::format("its shape ({}) has more elements than any file", fmt::join(extents, ", ")));
      tuple = extents.size() > 1;
      if (accept(')')) break;
      expect(',');
      tuple = true;
    }
    if (!tuple) refuse("'shape' is not a tuple");
    return Shape(extents);
  }
  std::int64_t extent() {
    skip_space();
    std::int64_t value = 0;
    const std::size_t begin = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
      if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
          __builtin_add_overflow(value, std::int64_t{text_[at_] - '0'}, &value))
        refuse("'shape' has a number beyond 2^63");
    if (at_ == begin) refuse(fmt::format("'shape' has something else than whole numbers at character {}", at_));
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote them
    return value;
  }

  std::string_view text_;
  const std::string& what_;
  std::size_t at_ = 0;
};

}  // namespace

NpyHeader read_npy_header(ByteStream& stream, std::uint64_t bytes) {
  const auto refuse = [&](const std::string& why) { throw IoError(stream.what() + why); };
  constexpr std::size_t kVersion = 2, kFixed = kMagic.size() + kVersion;
  const std::string start = stream.read(kFixed);
  if (!start.starts_with(kMagic.substr(0, start.size()))) refuse("it does not begin with \\x93NUMPY");
  if (start.size() < kFixed) refuse(fmt::format("it has only {} bytes", bytes));
  const int major = static_cast<unsigned char>(start[kMagic.size()]);
  if (major < 1 || major > 3) refuse(fmt::format("its version is {}; 1 to 3 are known", major));
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::string length_text = stream.read(length_bytes);
  if (length_text.size() < length_bytes) refuse(fmt::format("it has only {} bytes", bytes));
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i)
    length |= std::uint64_t{static_cast<unsigned char>(length_text[i])} << (8 * i);
  const std::uint64_t left = bytes - kFixed - length_bytes;
  if (length > left) refuse(fmt::format("its header has {} bytes, {} are there", length, left));
  if (length > kLongestHeader) refuse(fmt::format("its header has {} bytes; {} are allowed", length, kLongestHeader));
  const std::string text = stream.read(length);
  const NpyHeader header = Parser(text, stream.what()).parse();

  const std::uint64_t wanted = static_cast<std::uint64_t>(header.shape.numel()) * size_of(header.dtype);
  if (wanted != left - length)
    refuse(fmt::format("{} of shape {} takes {} bytes, {} are there", name_of(header.dtype), to_string(header.shape),
                       wanted, left - length));
  return header;
}

std::string npy_header(const Tensor& tensor) {
  std::string_view code;
  for (const NpyDType& known : kDTypes)
    if (known.dtype == tensor.dtype()) code = known.code;
  std::string shape;
  for (const std::int64_t extent : tensor.shape()) shape += fmt::format("{}, ", extent);
  if (tensor.rank() > 1) shape.resize(shape.size() - 2);
  if (tensor.rank() == 1) shape.resize(shape.size() - 1);
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 size_of(tensor.dtype()) == 1 ? '|' : '<', code, shape);
  constexpr std::size_t kStart = kMagic.size() + 4, kAlignment = 64;
  const std::size_t total = (kStart + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  text.resize(total - kStart - 1, ' ');
  text += '\n';
  std::string header(kMagic);
  header += '\x01';
  header += '\0';
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

}  // namespace tapegrad::io
