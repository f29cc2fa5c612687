#include "formats.hpp"
#include "inputs.hpp"

namespace tapegrad::hostile {
namespace {

using namespace std::string_literals;

std::string archive(const std::string& pickle) {
  return zip({{"a/data.pkl", "\x80\2" + pickle + ".", {}}, {"a/data/0", "abcdefgh", {}}});
}
Input pickle(std::string name, const std::string& content, std::string expected) {
  return {"pytorch", std::move(name), archive(content), std::move(expected)};
}

std::string text(const std::string& s) { return "X" + little(s.size(), 4) + s; }
/// Of two floats, of a shape and strides.
std::string tensor(const std::string& shape, const std::string& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") +
         text("cpu") + "K\2tQK\0"s + shape + strides + "\x89" + "ccollections\nOrderedDict\n)RtR";
}
const std::string kPair = tensor("K\2\x85", "K\1\x85");

/// Each list holds the one before it ten times.
std::string laughs(unsigned levels) {
  std::string out = "]";
  for (unsigned i = 0; i < levels; ++i) out += "q" + little(i, 1) + "0](" + repeated("h" + little(i, 1), 10) + "e";
  return out;
}

}  // namespace

std::vector<Input> pytorch_inputs() {
  const std::string huge = "\x8a\7" + little(std::uint64_t{1} << 50, 7);
  return {
      {"pytorch", "text", "hello, this is no archive", "does not begin as a ZIP archive"},
      {"pytorch", "of PyTorch 1.5", "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s, "before PyTorch 1.6"},
      {"pytorch", "a pickle alone", zip({{"data.pkl", "N.", {}}}), "is in no folder"},
      {"pytorch", "two models", zip({{"a/data.pkl", "N.", {}}, {"b/data.pkl", "N.", {}}}), "several folders"},
      {"pytorch", "a script", zip({{"a/constants.pkl", "N.", {}}}), "TorchScript"},
      {"pytorch", "a compressed pickle", zip({{"a/data.pkl", "N.", {.deflated = true}}}), "is compressed"},
      {"pytorch", "a bomb", zip({{"a/data.pkl", repeated("]", 20'000'000), {.deflated = true}}}), "is compressed"},
      {"pytorch", "members by 100,000", zip(std::vector<ZipPart>(60'000, {"a/b", "", {}})), ""},
      pickle("a call", "cos\nsystem\n" + text("true") + "\x85R", "it asks for os.system"),
      pickle("a call of getattr", "cbuiltins\ngetattr\n", "builtins.getattr"),
      pickle("a call inside torch", "ctorch.hub\nload\n", "torch.hub.load"),
      pickle("a name of 20 MB", "c" + repeated("x", 20'000'000) + "\nA\n", "it asks for"),
      pickle("a text of 2 GB", "X\xff\xff\xff\x7f", "it is cut off"),
      pickle("a text of 2^64 bytes", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "it is cut off"),
      pickle("laughs", laughs(40), "it builds more than a file of its size may"),
      pickle("a list in itself", "]q\1h\1a", "or within themselves"),
      pickle("a dict in itself", "}q\1K\1h\1s", "or within themselves"),
      pickle("100 levels", repeated("(", 100) + "N" + repeated("t", 100), "64 others"),
      pickle("a million levels", repeated("(", 1'000'000) + "N" + repeated("t", 1'000'000), "it builds more than"),
      pickle("five million marks", repeated("(", 5'000'000), "more than"),
      pickle("five million lists", "(" + repeated("]", 5'000'000) + "t", "it builds more than"),
      pickle("a million places", "(" + repeated("Nr\xff\xff\xff\xff", 1'000'000) + "t", "it builds more than"),
      pickle("places of an empty stack", repeated("q\1", 100), "more values than it has"),
      pickle("a value that is not there", "h\7", "which it has not stored"),
      pickle("100,000 tensors of one storage", "(" + repeated(kPair, 100'000) + "t", "it builds more than"),
      pickle("a key twice", "}(K\1NK\1Nu", "the key 1 twice"),
      pickle("a tensor as a key", "}(" + kPair + "Nu", "neither text nor integer"),
      pickle("2^50 elements of two", tensor(huge + "\x85", "K\1\x85"), "reaches beyond its storage"),
      pickle("sizes whose product wraps", tensor(huge + huge + "\x86", "K\0K\0\x86"s), "more elements than"),
      pickle("strides whose product wraps", tensor("K\3\x85", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x3f\x85"),
             "reaches beyond its storage"),
      pickle("a negative stride", tensor("K\2\x85", "J\xff\xff\xff\xff\x85"), "no number from 0 on"),
      pickle("a size that is text", tensor(text("2") + "\x85", "K\1\x85"), ""),
      pickle("a shape that is a list", tensor("]", "K\1\x85"), ""),
  };
}

}  // namespace tapegrad::hostile
