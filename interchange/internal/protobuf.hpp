#pragma once
// Protocol Buffers' wire format (https://protobuf.dev/programming-guides/encoding), as far as files of models need it.
// A message is a struct that lists its fields once, and what reads and writes it follows the list:
//
//   struct Entry {
//     std::string key;
//     std::vector<std::int64_t> values;
//     static constexpr auto fields() { return std::tuple{Field{1, &Entry::key}, Field{2, &Entry::values}}; }
//   };
//
// Members are numbers, std::string, std::string_view (bytes that stay where they were read), other messages, and
// std::optional, Box or std::vector of these. Without std::optional, 0 and "" are not written, and absent fields read
// so.

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace tapegrad::protobuf {

static_assert(std::endian::native == std::endian::little, "the wire format is little-endian");

template <class Message, class Member>
struct Field {
  std::uint32_t number;
  Member Message::*member;
};
template <class Message, class Member>
Field(int, Member Message::*) -> Field<Message, Member>;

/// An optional message that may hold its own kind.
template <class T>
class Box {
 public:
  Box() = default;
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(Box other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }

  explicit operator bool() const { return value_ != nullptr; }
  T& operator*() const { return *value_; }
  T* operator->() const { return value_.get(); }
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }

 private:
  std::unique_ptr<T> value_;
};

template <class T>
concept Message = requires {
  T::fields();
};
template <class T>
concept Number = std::is_arithmetic_v<T>;
template <class T>
concept Bytes = std::same_as<T, std::string> || std::same_as<T, std::string_view>;

/// How a field's value is laid out.
enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

template <class T>
constexpr Wire wire_of() {
  if constexpr (std::same_as<T, float>) return Wire::fixed32;
  if constexpr (std::same_as<T, double>) return Wire::fixed64;
  return Number<T> ? Wire::varint : Wire::bytes;
}

/// What decoding may allocate beside the bytes it reads: in proportion to them, so that a short file takes little.
struct Budget {
  std::uint64_t left;
  explicit Budget(std::uint64_t file_bytes) : left(2 * file_bytes + (std::uint64_t{48} << 20)) {}
};

/// Takes bytes of one message from the front. IoError that says at which byte of the file, for whatever is not the wire
/// format.
class Reader {
 public:
  Reader(std::string_view bytes, Budget& budget) : Reader(bytes, bytes.data(), budget, 0) {}

  bool at_end() const { return rest_.empty(); }
  std::uint64_t varint();
  template <class T>
  T fixed() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  /// What follows its length.
  std::string_view bytes() { return take(varint()); }
  /// The same as a message of its own, one level deeper: at most 100, as everywhere.
  Reader message();
  /// The number of the next field, whose wire type is in wire().
  std::uint32_t field();
  Wire wire() const { return wire_; }
  void expect(Wire wire) const;
  void skip();
  /// Of memory that `count` elements will take.
  void charge(std::uint64_t count, std::size_t element);
  [[noreturn]] void fail(const std::string& why) const;

 private:
  Reader(std::string_view rest, const char* begin, Budget& budget, int depth)
      : rest_(rest), begin_(begin), budget_(&budget), depth_(depth) {}
  std::string_view take(std::uint64_t count);

  std::string_view rest_;
  const char* begin_;
  Budget* budget_;
  int depth_;
  std::uint32_t field_ = 0;
  Wire wire_ = Wire::varint;
};

template <Message M>
void decode_into(Reader reader, M& message);

namespace detail {

/// One value, whose field has been read.
template <class T>
void decode_value(Reader& from, T& value) {
  from.expect(wire_of<T>());
  if constexpr (Message<T>)
    decode_into(from.message(), value);
  else if constexpr (std::same_as<T, std::string>) {
    value = std::string(from.bytes());
    from.charge(value.size(), 1);
  } else if constexpr (std::same_as<T, std::string_view>)
    value = from.bytes();
  else if constexpr (std::floating_point<T>)
    value = from.fixed<T>();
  else
    value = static_cast<T>(from.varint());
}
template <class T>
void decode_value(Reader& from, std::optional<T>& value) {
  decode_value(from, value ? *value : value.emplace());
}
template <class T>
void decode_value(Reader& from, Box<T>& value) {
  if (!value) from.charge(1, sizeof(T));
  decode_value(from, value ? *value : value.emplace());
}
/// Numbers come one by one, or packed.
template <class T>
void decode_value(Reader& from, std::vector<T>& values) {
  if constexpr (Number<T>) {
    if (from.wire() == Wire::bytes) {
      Reader packed = from.message();
      while (!packed.at_end())
        if constexpr (std::floating_point<T>)
          values.push_back(packed.fixed<T>());
        else
          values.push_back(static_cast<T>(packed.varint()));
      return;
    }
  }
  decode_value(from, values.emplace_back());
}

/// How many values the field at hand adds.
template <class T>
std::size_t count_values(Reader& from) {
  if constexpr (Number<T>) {
    if (from.wire() == Wire::bytes) {
      const std::string_view packed = from.bytes();
      if constexpr (std::floating_point<T>) return packed.size() / sizeof(T);
      std::size_t ends = 0;
      for (const char c : packed) ends += (static_cast<unsigned char>(c) & 0x80) == 0;
      return ends;
    }
  }
  from.skip();
  return 1;
}

/// Vectors take their memory once, after it was found to be in proportion to the file; one that a message adds to which
/// is there again and again grows by half at least.
template <class M, class T>
void reserve(const Reader& message, std::uint32_t number, std::vector<T>& values) {
  std::size_t count = 0;
  for (Reader from = message; !from.at_end();) {
    if (from.field() == number)
      count += count_values<T>(from);
    else
      from.skip();
  }
  Reader(message).charge(count, sizeof(T));
  if (const std::size_t all = values.size() + count; all > values.capacity())
    values.reserve(std::max(all, values.capacity() + values.capacity() / 2));
}

}  // namespace detail

/// Adds what the bytes hold to `message`: lists grow, single values are replaced. Unknown fields are left out.
template <Message M>
void decode_into(Reader reader, M& message) {
  std::uint64_t reserved = 0;  // of fields by their place in the list
  while (!reader.at_end()) {
    const Reader before = reader;
    const std::uint32_t number = reader.field();
    int place = 0;
    const bool known = std::apply(
        [&](const auto&... field) {
          const auto take = [&](const auto& f) {
            const int here = place++;
            if (f.number != number) return false;
            auto& member = message.*f.member;
            if constexpr (requires { member.reserve(1), member.emplace_back(); })
              if (!(reserved >> here & 1)) {
                detail::reserve<M>(before, number, member);
                reserved |= std::uint64_t{1} << here;
              }
            detail::decode_value(reader, member);
            return true;
          };
          return (take(field) || ...);
        },
        M::fields());
    if (!known) reader.skip();
  }
}

/// The message that `bytes` are; members of type std::string_view point into them.
template <Message M>
M decode(std::string_view bytes) {
  Budget budget(bytes.size());
  M message;
  decode_into(Reader(bytes, budget), message);
  return message;
}

void append_varint(std::string& out, std::uint64_t value);

template <Message M>
void append(std::string& out, const M& message);

namespace detail {

inline void append_key(std::string& out, std::uint32_t number, Wire wire) {
  append_varint(out, std::uint64_t{number} << 3 | static_cast<std::uint64_t>(wire));
}

template <class T>
void append_bare(std::string& out, const T& value) {
  if constexpr (std::floating_point<T>)
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  else if constexpr (Number<T>)
    append_varint(out, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
  else if constexpr (Bytes<T>) {
    append_varint(out, value.size());
    out.append(value);
  } else {
    std::string inner;
    append(inner, value);
    append_bare(out, inner);
  }
}

template <class T>
void append_field(std::string& out, std::uint32_t number, const T& value) {
  if constexpr (Message<T>) {
    append_key(out, number, Wire::bytes);
    append_bare(out, value);
  } else if (value != T{}) {
    append_key(out, number, wire_of<T>());
    append_bare(out, value);
  }
}
template <class T>
void append_present(std::string& out, std::uint32_t number, const T& value) {
  append_key(out, number, wire_of<T>());
  append_bare(out, value);
}
template <class T>
void append_field(std::string& out, std::uint32_t number, const std::optional<T>& value) {
  if (value) append_present(out, number, *value);
}
template <class T>
void append_field(std::string& out, std::uint32_t number, const Box<T>& value) {
  if (value) append_present(out, number, *value);
}
template <class T>
void append_field(std::string& out, std::uint32_t number, const std::vector<T>& values) {
  if constexpr (Number<T>) {
    if (values.empty()) return;
    std::string packed;
    for (const T value : values) append_bare(packed, value);
    append_present(out, number, packed);
  } else {
    for (const T& value : values) append_present(out, number, value);
  }
}

}  // namespace detail

/// Adds the message's bytes to `out`, fields in the order of the list.
template <Message M>
void append(std::string& out, const M& message) {
  std::apply([&](const auto&... field) { (detail::append_field(out, field.number, message.*field.member), ...); },
             M::fields());
}

template <Message M>
std::string encode(const M& message) {
  std::string bytes;
  append(bytes, message);
  return bytes;
}

}  // namespace tapegrad::protobuf
