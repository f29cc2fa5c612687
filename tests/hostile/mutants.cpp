#include "mutants.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "formats.hpp"

namespace tapegrad::hostile {
namespace {

using namespace std::string_literals;

constexpr std::uint64_t kExtremes[] = {
    0,          1,          2,         7,    99, (1ull << 31) - 1, 1ull << 31, 1ull << 32, 1ull << 40, (1ull << 62) + 1,
    ~0ull >> 1, 1ull << 63, ~0ull - 1, ~0ull};

std::uint64_t number_at(const std::string& file, std::size_t at, int bytes) {
  std::uint64_t value = 0;
  for (int i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(file.at(at + static_cast<unsigned>(i)));
  return value;
}

// ---- Protocol Buffers -----------------------------------------------------------------------------------------------

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value > 127; value >>= 7) out += static_cast<char>((value & 127) | 128);
  return out + static_cast<char>(value);
}

std::optional<std::uint64_t> take_varint(std::string_view& from) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= std::uint64_t{byte & 127u} << shift;
    if (byte < 128) return value;
  }
  return {};
}

struct Part {
  std::uint64_t number = 0, wire = 0;
  std::uint64_t value = 0;                     ///< of a varint
  std::string bytes{};                         ///< of what is fixed in length or has one, and is no message
  std::vector<Part> parts{};                   ///< of a message
  std::optional<std::uint64_t> said_length{};  ///< instead of the true one
};
using Parts = std::vector<Part>;

std::string encode(const Parts& parts) {
  std::string out;
  for (const Part& part : parts) {
    out += varint(part.number << 3 | part.wire);
    if (part.wire == 0) out += varint(part.value);
    const std::string content = part.parts.empty() ? part.bytes : encode(part.parts);
    if (part.wire == 2) out += varint(part.said_length.value_or(content.size()));
    if (part.wire != 0) out += content;
  }
  return out;
}

/// What is no message may look like one: its parts are changed then as if they were a message's.
std::optional<Parts> decode(std::string_view from) {
  Parts parts;
  while (!from.empty()) {
    const auto tag = take_varint(from);
    if (!tag || *tag >> 3 == 0 || *tag >> 3 > 100) return {};
    Part part{.number = *tag >> 3, .wire = *tag & 7};
    std::optional<std::uint64_t> length;
    if (part.wire == 0) {
      const auto value = take_varint(from);
      if (!value) return {};
      part.value = *value;
    } else {
      if (part.wire == 2) length = take_varint(from);
      if (part.wire == 1) length = 8;
      if (part.wire == 5) length = 4;
      if (!length || *length > from.size()) return {};
      part.bytes = from.substr(0, *length);
      from.remove_prefix(*length);
      if (part.wire == 2)
        if (auto inner = decode(part.bytes)) part.parts = std::move(*inner);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

class ProtobufMutants {
 public:
  explicit ProtobufMutants(const std::string& file) : root_(decode(file).value()) { visit(root_, ""); }
  std::vector<Mutant> all;

 private:
  void add(const std::string& name) { all.push_back({name, encode(root_)}); }

  void visit(Parts& parts, const std::string& above) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::string name = fmt::format("{}{}[{}]", above, parts[i].number, i);
      const Parts before = parts;
      const auto change = [&](const std::string& what, const auto& action) {
        action(parts[i]);
        add(name + ": " + what);
        parts = before;
      };
      for (const int times : {0, 2, 2000}) {
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
        parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(i), static_cast<std::size_t>(times), before[i]);
        add(fmt::format("{}: {} times", name, times));
        parts = before;
      }
      for (const std::uint64_t number :
           {parts[i].number + 1, std::uint64_t{15}, (std::uint64_t{1} << 29) - 1, std::uint64_t{0}})
        change(fmt::format("number {}", number), [&](Part& p) { p.number = number; });
      for (std::uint64_t wire = 0; wire < 8; ++wire)
        change(fmt::format("wire type {}", wire), [&](Part& p) { p.wire = wire; });
      if (before[i].wire == 0) {
        for (const std::uint64_t value : kExtremes)
          change(fmt::format("value {}", value), [&](Part& p) { p.value = value; });
        continue;
      }
      change_bytes(before[i], change);
      visit(parts[i].parts, name + " ");
    }
  }

  template <class Change>
  void change_bytes(const Part& before, const Change& change) {
    const auto bytes = [&](const std::string& what, const std::string& value) {
      change(what, [&](Part& p) {
        p.parts.clear();
        p.bytes = value;
      });
    };
    bytes("nothing", "");
    bytes("one byte", "\0"s);
    bytes("a path", "../../etc/passwd");
    bytes("no UTF-8", "\xff\xfe\x80");
    bytes("an escape", "\x1b[2J");
    bytes("a long text", repeated("x", 3000));
    bytes("one byte less", before.bytes.substr(0, before.bytes.size() - std::min<std::size_t>(1, before.bytes.size())));
    bytes("all ones", std::string(before.bytes.size(), '\xff'));
    if (before.wire == 2)
      for (const std::uint64_t length :
           {std::uint64_t{before.bytes.size()} + 1, std::uint64_t{1} << 31, ~std::uint64_t{0}})
        change(fmt::format("length {}", length), [&](Part& p) { p.said_length = length; });
    // A list of numbers, packed.
    std::vector<std::uint64_t> numbers;
    std::string_view rest = before.bytes;
    while (!rest.empty() && numbers.size() < 9) {
      const auto number = take_varint(rest);
      if (!number) return;
      numbers.push_back(*number);
    }
    if (!rest.empty()) return;
    for (std::size_t at = 0; at < numbers.size(); ++at)
      for (const std::uint64_t value : kExtremes) {
        std::string packed;
        for (std::size_t k = 0; k < numbers.size(); ++k) packed += varint(k == at ? value : numbers[k]);
        bytes(fmt::format("its number {} is {}", at, value), packed);
      }
  }

  Parts root_;
};

// ---- ZIP ------------------------------------------------------------------------------------------------------------

struct Header {
  std::string signature;
  std::vector<int> sizes;  ///< of its numbers, in bytes
};
/// APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16.
const Header kHeaders[] = {{"PK\3\4", {2, 2, 2, 2, 2, 4, 4, 4, 2, 2}},
                           {"PK\1\2", {2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4}},
                           {"PK\5\6", {2, 2, 2, 2, 4, 4, 2}}};

/// Names and contents of members that are stored as they are.
std::vector<ZipPart> members(const std::string& file) {
  std::vector<ZipPart> found;
  for (std::size_t at = 0; file.compare(at, 4, "PK\3\4") == 0;) {
    const std::uint64_t size = number_at(file, at + 18, 4), name = number_at(file, at + 26, 2),
                        extra = number_at(file, at + 28, 2);
    const std::size_t begin = at + 30 + name + extra;
    found.push_back({file.substr(at + 30, name), file.substr(begin, size), {}});
    at = begin + size;
  }
  return found;
}

// ---- pickles --------------------------------------------------------------------------------------------------------

/// How long an opcode's argument is; of those that our writer uses.
std::size_t argument_size(const std::string& pickle, std::size_t at) {
  const std::size_t next = at + 1;
  switch (static_cast<unsigned char>(pickle.at(at))) {
    case 'K':
    case 'q':
    case 'h':
    case 0x80:
      return 1;
    case 'M':
      return 2;
    case 'J':
    case 'r':
    case 'j':
      return 4;
    case 'G':
      return 8;
    case 'X':
      return 4 + number_at(pickle, next, 4);
    case 0x8a:
    case 0x8c:
      return 1 + number_at(pickle, next, 1);
    case 'c':
      return pickle.find('\n', pickle.find('\n', next) + 1) + 1 - next;
    default:
      return 0;
  }
}

/// Each a value, or what takes or stores some.
const std::string kOpcodes[] = {"N",
                                "\x88",
                                "K\xff",
                                "J\xff\xff\xff\xff",
                                "M\xff\xff",
                                "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
                                "G\x7f\xf0\0\0\0\0\0\0"s,
                                "X\0\0\0\0"s,
                                "X\xff\xff\xff\x7f",
                                "\x8c\xff",
                                "]",
                                "}",
                                ")",
                                "(",
                                "t",
                                "\x85",
                                "\x86",
                                "\x87",
                                "a",
                                "e",
                                "s",
                                "u",
                                "R",
                                "b",
                                "Q",
                                "0",
                                "q\0"s,
                                "h\0"s,
                                "h\xff",
                                "\x94",
                                "\x93",
                                ".",
                                "\x80\xff",
                                "\x95\xff\xff\xff\xff\xff\xff\xff\xff",
                                "ccollections\nOrderedDict\n",
                                "ctorch\nFloatStorage\n",
                                "ctorch\nfloat16\n",
                                "ctorch._utils\n_rebuild_tensor_v2\n",
                                "cos\nsystem\n",
                                "P0\n",
                                "i__main__\nA\n",
                                "\xff"};

}  // namespace

std::vector<Mutant> protobuf_mutants(const std::string& file) { return ProtobufMutants(file).all; }

std::vector<Mutant> zip_mutants(const std::string& file) {
  std::vector<Mutant> all;
  for (const Header& header : kHeaders)
    for (std::size_t at = file.find(header.signature); at != std::string::npos;
         at = file.find(header.signature, at + 1)) {
      std::size_t place = at + 4;
      for (const int bytes : header.sizes) {
        const std::uint64_t value = number_at(file, place, bytes), most = ~0ull >> (64 - 8 * bytes);
        for (const std::uint64_t other : {std::uint64_t{0}, std::uint64_t{1}, value + 1, value - 1, value + 64,
                                          most / 2, most / 2 + 1, most - 1, most})
          if ((other & most) != value)
            all.push_back({fmt::format("{} bytes at {} are {}", bytes, place, other & most),
                           std::string(file).replace(place, static_cast<std::size_t>(bytes), little(other, bytes))});
        place += static_cast<std::size_t>(bytes);
      }
    }
  return all;
}

std::vector<Mutant> pickle_mutants(const std::string& file) {
  std::vector<ZipPart> parts = members(file);
  std::vector<Mutant> all;
  for (ZipPart& part : parts) {
    if (!part.name.ends_with("data.pkl")) continue;
    const std::string pickle = part.content;
    for (std::size_t at = 0; at < pickle.size();) {
      const std::size_t size = 1 + argument_size(pickle, at);
      const std::string opcode = pickle.substr(at, size);
      const auto replace = [&](const std::string& what, const std::string& with) {
        part.content = std::string(pickle).replace(at, size, with);
        all.push_back({fmt::format("byte {} of the pickle: {}", at, what), zip(parts)});
      };
      replace("dropped", "");
      replace("doubled", opcode + opcode);
      replace("a thousand times", repeated(opcode, 1000));
      for (std::size_t i = 0; i < std::size(kOpcodes); ++i) replace(fmt::format("opcode {}", i), kOpcodes[i]);
      for (std::size_t i = 1; i < size && i < 9; ++i)
        for (const char other : {'\0', '\x7f', '\xff'})
          if (opcode[i] != other)
            replace(fmt::format("argument's byte {}", i), std::string(opcode).replace(i, 1, 1, other));
      at += size;
    }
    part.content = pickle;
  }
  if (all.empty()) throw std::logic_error("no pickle");
  return all;
}

std::vector<Mutant> json_mutants(const std::string& text) {
  using Json = nlohmann::ordered_json;
  const Json right = Json::parse(text);
  std::vector<Json> others{nullptr,
                           true,
                           -1,
                           0,
                           1,
                           3,
                           1.5,
                           1e300,
                           ~0ull,
                           1ll << 62,
                           "",
                           "F32",
                           "I64",
                           "../a",
                           "a\0b"s,
                           Json::array(),
                           Json::object(),
                           Json::array({0, 8}),
                           Json::array({8, 0}),
                           Json::array({-1, 8}),
                           Json::array({0, 8, 9}),
                           Json::array({1ll << 62, 4}),
                           Json::array({nullptr}),
                           Json{{"a", 1}}};
  std::vector<Json::json_pointer> places;
  const std::function<void(const Json&, const Json::json_pointer&)> visit = [&](const Json& at,
                                                                                const Json::json_pointer& place) {
    places.push_back(place);
    if (at.is_object())
      for (const auto& [key, value] : at.items()) visit(value, place / key);
    if (at.is_array())
      for (std::size_t i = 0; i < at.size(); ++i) visit(at[i], place / i);
  };
  visit(right, Json::json_pointer());
  std::vector<Mutant> all;
  for (const Json::json_pointer& place : places) {
    for (const Json& other : others) {
      if (right.at(place) == other) continue;
      Json changed = right;
      changed[place] = other;
      all.push_back({place.to_string() + ": " + other.dump(), changed.dump()});
    }
    if (place.empty()) continue;
    Json changed = right;
    Json& above = changed[place.parent_pointer()];
    if (above.is_array()) {
      above.erase(std::stoul(place.back()));
      all.push_back({place.to_string() + ": dropped", changed.dump()});
      continue;
    }
    const Json value = above[place.back()];
    above.erase(place.back());
    all.push_back({place.to_string() + ": dropped", changed.dump()});
    above["other"] = value;
    all.push_back({place.to_string() + ": renamed", changed.dump()});
  }
  return all;
}

std::vector<Mutant> safetensors_mutants(const std::string& file) {
  const std::uint64_t length = number_at(file, 0, 8);
  const std::string header = file.substr(8, length), data = file.substr(8 + length);
  std::vector<Mutant> all;
  for (const Mutant& mutant : json_mutants(header)) all.push_back({mutant.name, safetensors(mutant.content, data)});
  for (const std::uint64_t other : kExtremes)
    all.push_back({fmt::format("header of {} bytes", other), little(other, 8) + header + data});
  for (const std::uint64_t other : {length - 1, length + 1, length + data.size(), length + data.size() + 1})
    all.push_back({fmt::format("header of {} bytes", other), little(other, 8) + header + data});
  return all;
}

std::vector<Mutant> npy_mutants(const std::string& file) {
  const std::string data = file.substr(10 + number_at(file, 8, 2));
  std::vector<Mutant> all;
  for (const char* descr : {"'<f4'", "'>f4'", "'=f4'", "'|f4'", "'<f8'", "'<i8'", "'|b1'", "'|u1'", "'<f1'", "'<f99'",
                            "'f'", "''", "'|S4'", "'|O'", "4", "None", "['<f4']"})
    for (const char* fortran : {"False", "True", "0", "'False'"})
      for (const char* shape :
           {"(2,)", "(1, 2)", "(2)", "()", "(,)", "(2,,)", "(-2,)", "(3,)", "(18446744073709551618,)",
            "(4294967296, 4294967296)", "(2, 0)", "[2]", "2", "(True,)", "(1e0, 2)", "(2L,)"}) {
        const std::string says =
            fmt::format("{{'descr': {}, 'fortran_order': {}, 'shape': {}, }}", descr, fortran, shape);
        all.push_back({says, npy(says, data)});
      }
  for (int version = 0; version < 5; ++version)
    for (const unsigned other : {0u, 1u, 53u, 54u, 55u, 118u, 0x7fffu, 0xffffu})
      all.push_back({fmt::format("version {}, header of {} bytes", version, other),
                     std::string(file).replace(6, 4, little(static_cast<unsigned>(version), 2) + little(other, 2))});
  return all;
}

}  // namespace tapegrad::hostile
