#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/io/safetensors.hpp>
#include <tapegrad/ops/view.hpp>

#include "../temporary_folder.hpp"

namespace tapegrad::io {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Safetensors : public ::testing::Test {
 protected:
  void put(std::string_view bytes) const { own_.write("a.safetensors", bytes); }
  std::string bytes() const { return content_of(path_); }
  // A file with that header, whose length may be a lie, and data.
  void put_parts(std::string_view header, std::string_view data, std::uint64_t length) const {
    std::string file(8, '\0');
    std::memcpy(file.data(), &length, 8);
    put(file.append(header).append(data));
  }
  void put_parts(std::string_view header, std::string_view data = "") const { put_parts(header, data, header.size()); }

  // Why the file is refused; "" if it is not.
  std::string refusal() const {
    try {
      load_safetensors(path_);
      return "";
    } catch (const IoError& error) {
      EXPECT_THAT(error.what(), HasSubstr(path_.string()));
      EXPECT_LT(std::strlen(error.what()), 1000u);
      return error.what();
    }
  }

  const TemporaryFolder own_;
  const fs::path folder_ = own_.path(), path_ = folder_ / "a.safetensors";
};

const std::string kFour(4, '\0');

std::string one(std::string_view fields) { return "{\"a\":{" + std::string(fields) + "}}"; }

TEST_F(Safetensors, RoundTripsEveryDtypeAndShape) {
  Rng rng(1);
  const NamedTensors tensors{
      {"flag", tensor({1, 0, 1}, boolean)},
      {"encoder.weight", randn({3, 4}, f32, rng)},
      {"wide", randn({2, 1, 3}, f64, rng)},
      {"ids", randint(-9, 9, {5}, rng)},
      {"small", tensor({-7, 7}, i32)},
      {"bytes", tensor({0, 255, 1}, u8)},
      {"scalar", scalar(2.5)},
      {"empty", zeros({0, 3})},
      {"transposed", transpose(tensor({1, 2, 3, 4, 5, 6}, {2, 3}))},
      {"rows", make_row_sparse({3, 2}, copy_of(std::vector<std::int64_t>{1}), tensor({5, 6}, {1, 2}))},
      {"ünï \"cödé\"\n\\", ones({1})},
      {"", ones({2})},
  };
  save_safetensors(path_, tensors, {{"format", "pt"}, {"note", "line\nbreak"}});
  Metadata metadata;
  const NamedTensors loaded = load_safetensors(path_, &metadata);
  EXPECT_EQ(loaded.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const Tensor* same = find(loaded, name);
    ASSERT_TRUE(same) << name;
    EXPECT_EQ(same->dtype(), tensor.dtype()) << name;
    EXPECT_EQ(same->shape(), tensor.shape()) << name;
    EXPECT_EQ(same->values(), tensor.values()) << name;
  }
  EXPECT_EQ(metadata, (Metadata{{"format", "pt"}, {"note", "line\nbreak"}}));
}

TEST_F(Safetensors, LaysOutTheFileAsTheFormatSays) {
  save_safetensors(path_, {{"b", tensor({1}, u8)}, {"a", tensor({1, 2})}});
  const std::string file = bytes();
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  const auto header = nlohmann::json::parse(file.substr(8, length));
  EXPECT_EQ(header, nlohmann::json::parse(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                                              "b": {"dtype": "U8", "shape": [1], "data_offsets": [8, 9]}})"));
  EXPECT_EQ(file.substr(8 + length), std::string("\0\0\x80\x3f\0\0\0\x40\x01", 9));
}

TEST_F(Safetensors, KeepsEveryBitOfNaN) {
  const std::uint32_t bits[] = {0x7fc00001, 0x7f800001, 0xffc12345, 0x80000000};
  Tensor t = empty({4});
  std::memcpy(t.mutable_data<float>().data(), bits, sizeof bits);
  save_safetensors(path_, {{"nan", t}});
  const NamedTensors loaded = load_safetensors(path_);
  EXPECT_TRUE(std::ranges::equal(std::as_bytes(loaded[0].tensor.data<float>()), std::as_bytes(std::span(bits))));
}

TEST_F(Safetensors, AcceptsWhatTheFormatAllows) {
  put_parts("{}");
  EXPECT_TRUE(load_safetensors(path_).empty());
  put_parts(one(R"("data_offsets":[0,4],"shape":[],"dtype":"F32")") + "  \n ", kFour);
  EXPECT_EQ(load_safetensors(path_)[0].tensor.shape(), Shape());
  put_parts(one(R"("dtype":"F32","shape":[0,3],"data_offsets":[0,0])"));
  EXPECT_EQ(load_safetensors(path_)[0].tensor.shape(), (Shape{0, 3}));
  put_parts(
      R"({"z":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
      kFour);
  EXPECT_EQ(load_safetensors(path_)[0].name, "z");
  put_parts(R"({"\u0000\u00e9":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", kFour);
  EXPECT_EQ(load_safetensors(path_)[0].name, std::string("\0é", 3));
}

TEST_F(Safetensors, RefusesWrongHeaders) {
  const struct {
    std::string header, reason;
  } cases[] = {
      {"", "does not begin with '{'"},
      {" {}", "does not begin with '{'"},
      {"[]", "does not begin with '{'"},
      {"12", "does not begin with '{'"},
      {"null", "does not begin with '{'"},
      {"{", "not JSON"},
      {"{}}", "not JSON"},
      {"{\"a\":", "not JSON"},
      {"{\"\xff\":1}", "not JSON"},
      {R"({"\ud800":{}})", "not JSON"},
      {R"({"a":1})", "\"a\" has a number"},
      {R"({"a":[]})", "\"a\" has an array"},
      {R"({"a":null})", "\"a\" has null"},
      {one(""), "\"a\" has no dtype"},
      {one(R"("shape":[1],"data_offsets":[0,4])"), "\"a\" has no dtype"},
      {one(R"("dtype":"F32","data_offsets":[0,4])"), "\"a\" has no shape"},
      {one(R"("dtype":"F32","shape":[1])"), "\"a\" has no data_offsets"},
      {one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1)"), "\"x\", which means nothing"},
      {one(R"("dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4])"), "\"a\" has dtype twice"},
      {one(R"("dtype":"F8","shape":[2],"data_offsets":[0,4])"), "the dtype \"F8\""},
      {one(R"("dtype":"F4","shape":[3],"data_offsets":[0,4])"), "the dtype \"F4\""},
      {one(R"("dtype":7,"shape":[1],"data_offsets":[0,4])"), "dtype of \"a\" has a number"},
      {one(R"("dtype":"F32","shape":4,"data_offsets":[0,4])"), "shape of \"a\" has a number"},
      {one(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), "the number -1"},
      {one(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])"), "the number 1.0"},
      {one(R"("dtype":"F32","shape":[1e0],"data_offsets":[0,4])"), "the number 1e0"},
      {one(R"("dtype":"F32","shape":["1"],"data_offsets":[0,4])"), "shape of \"a\" has a text"},
      {one(R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])"), "shape of \"a\" has an array"},
      {one(R"("dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4])"), "the number 18446744073709551616"},
      {one(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4])"), "has 4 bytes"},
      {one(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4])"), "has 4 bytes"},
      {one(R"("dtype":"F32","shape":[9223372036854775809,2],"data_offsets":[0,4])"), "has 4 bytes"},
      {one(R"("dtype":"U8","shape":[4611686018427387905,4],"data_offsets":[0,4])"), "has 4 bytes"},
      {one(R"("dtype":"F32","shape":[0,9223372036854775807,9],"data_offsets":[0,0])"), "has 0 bytes"},
      {one(R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4])"), "more than 8 numbers"},
      {one(R"("dtype":"F32","shape":[1],"data_offsets":[4])"), "not two"},
      {one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,4])"), "more than 2 numbers"},
      {one(R"("dtype":"F32","shape":[1],"data_offsets":[-4,0])"), "the number -4"},
      {one(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), "before it begins"},
      {one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"), "of which there are 4"},
      {one(R"("dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,18446744073709551615])"), "has 3 bytes"},
      {one(R"("dtype":"U8","shape":[2],"data_offsets":[2,4])"), "begins at byte 2"},
      {one(R"("dtype":"U8","shape":[2],"data_offsets":[0,2])"), "2 bytes follow the last tensor"},
      {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "\"b\" begins at byte 2 of the data, where the one before it ends at 3"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "\"b\" begins at byte 2"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
       "it has \"a\" twice"},
      {R"({"__metadata__":{"a":1}})", "among its metadata, which are texts"},
      {R"({"__metadata__":{"a":{}}})", "among its metadata"},
      {R"({"__metadata__":"a"})", "\"__metadata__\" has a text"},
      {R"({"__metadata__":{"a":"1","a":"2"}})", "its metadata have \"a\" twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", "twice"},
      {"{}", "4 bytes follow the last tensor"},
      {std::string(100000, '['), "does not begin"},
      {"{\"a\":" + std::string(100000, '['), "\"a\" has an array"},
      {"{\"a\":{\"shape\":" + std::string(100000, '['), "shape of \"a\" has an array"},
      {"{\"" + std::string(1000000, 'n') + "\":1}", "nnn…\" has a number"},
  };
  for (const auto& [header, reason] : cases) {
    put_parts(header, kFour);
    EXPECT_THAT(refusal(), HasSubstr(reason)) << header.substr(0, 200);
  }
}

TEST_F(Safetensors, RefusesWrongLengths) {
  put_parts("{}", "", 0);
  EXPECT_THAT(refusal(), HasSubstr("does not begin"));
  for (const std::uint64_t length :
       {std::uint64_t{3}, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
    put_parts("{}", "", length);
    EXPECT_THAT(refusal(), HasSubstr("its header has"));
  }
  put_parts("{}  ", "", 3);
  EXPECT_THAT(refusal(), HasSubstr("follow the last tensor"));
}

TEST_F(Safetensors, AHeaderBeyondTheLimitIsNotRead) {
  put_parts("{}", "", 100000001);
  fs::resize_file(path_, 100000100);  // sparse
  EXPECT_THAT(refusal(), HasSubstr("100000000 are allowed"));
}

TEST_F(Safetensors, ManyTensorsOnOneRangeAreRefused) {
  std::string header = "{";
  for (int i = 0; i < 100000; ++i)
    header += (i ? ",\"" : "\"") + std::to_string(i) + R"(":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  put_parts(header + "}", kFour);
  EXPECT_THAT(refusal(), HasSubstr("begins at byte 0 of the data, where the one before it ends at 4"));
}

TEST_F(Safetensors, RefusesEveryTruncation) {
  save_safetensors(path_, {{"a", tensor({1, 2})}, {"b", tensor({1, 0}, boolean)}}, {{"k", "v"}});
  const std::string whole = bytes();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    put(std::string_view(whole).substr(0, n));
    EXPECT_NE(refusal(), "") << n;
  }
  put(whole + "x");
  EXPECT_THAT(refusal(), HasSubstr("1 bytes follow"));
}

TEST_F(Safetensors, SurvivesEveryFlippedBitAndRandomBytes) {
  save_safetensors(path_, {{"a", tensor({1, 0}, boolean)}});
  const std::string whole = bytes();
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    put(flipped);
    refused += !refusal().empty();
  }
  EXPECT_GT(refused, 4 * whole.size());
  Rng rng(2);
  for (int i = 0; i < 300; ++i) {
    std::string random(rng.below(64), '\0');
    for (char& c : random) c = static_cast<char>(rng.next_u32());
    put(random);
    EXPECT_NE(refusal(), "");
  }
}

TEST_F(Safetensors, RefusesBoolsThatAreNone) {
  put_parts(one(R"("dtype":"BOOL","shape":[4],"data_offsets":[0,4])"), std::string("\0\1\2\0", 4));
  EXPECT_THAT(refusal(), HasSubstr("bytes other than 0 and 1"));
}

TEST_F(Safetensors, RefusesWhatIsNoFile) {
  EXPECT_THAT(refusal(), HasSubstr("No such file"));
  fs::create_directory(path_);
  EXPECT_THAT(refusal(), HasSubstr("it is a directory"));
  fs::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(refusal(), HasSubstr("not a regular file"));
  EXPECT_THROW(load_safetensors("/dev/zero"), IoError);
  EXPECT_THROW(load_safetensors(std::string("a\0b", 3)), IoError);
  save_safetensors(folder_ / "real", {{"a", ones({1})}});
  fs::create_symlink("real", folder_ / "link");
  EXPECT_EQ(load_safetensors(folder_ / "link").size(), 1u);
}

// Values by the tables of IEEE 754 and of bfloat16, the upper half of an f32.
TEST_F(Safetensors, WidensHalves) {
  const std::string halves("\x00\x3c\x00\xc0\x01\x00\xff\x7b\x00\x7c\x00\x80", 12);
  put_parts(R"({"h":{"dtype":"F16","shape":[6],"data_offsets":[0,12]},)"
            R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]}})",
            halves + std::string("\x80\x3f\x49\xc0", 4));
  const NamedTensors tensors = load_safetensors(path_);
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].tensor.dtype(), f32);
  EXPECT_EQ(tensors[0].tensor.values(),
            (std::vector<double>{1, -2, 0x1p-24, 65504, std::numeric_limits<double>::infinity(), 0}));
  EXPECT_EQ(tensors[1].tensor.values(), (std::vector<double>{1, -3.140625}));
}

// Values by the tables of the OCP 8-bit Floating Point Specification (OFP8), 2023.
TEST_F(Safetensors, WidensEightBitFloats) {
  put_parts(R"({"e4m3":{"dtype":"F8_E4M3","shape":[7],"data_offsets":[0,7]},)"
            R"("e5m2":{"dtype":"F8_E5M2","shape":[6],"data_offsets":[7,13]}})",
            std::string("\x00\x38\xb8\x01\x08\x7e\x7f", 7) + std::string("\x3c\xc0\x01\x7b\x7c\x7d", 6));
  const NamedTensors tensors = load_safetensors(path_);
  const std::vector<double> e4m3 = tensors[0].tensor.values(), e5m2 = tensors[1].tensor.values();
  EXPECT_EQ(tensors[0].tensor.dtype(), f32);
  EXPECT_EQ(std::vector(e4m3.begin(), e4m3.end() - 1), (std::vector<double>{0, 1, -1, 0x1p-9, 0x1p-6, 448}));
  EXPECT_EQ(std::vector(e5m2.begin(), e5m2.end() - 1),
            (std::vector<double>{1, -2, 0x1p-16, 57344, std::numeric_limits<double>::infinity()}));
  EXPECT_TRUE(std::isnan(e4m3.back()));
  EXPECT_TRUE(std::isnan(e5m2.back()));
}

TEST_F(Safetensors, WidensIntegers) {
  put_parts(R"({"a":{"dtype":"U32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"I16","shape":[2],)"
            R"("data_offsets":[4,8]},"c":{"dtype":"U16","shape":[1],"data_offsets":[8,10]},)"
            R"("d":{"dtype":"I8","shape":[2],"data_offsets":[10,12]}})",
            std::string("\xff\xff\xff\xff\xff\xff\x00\x80\xff\xff\x80\x7f", 12));
  const NamedTensors tensors = load_safetensors(path_);
  EXPECT_EQ(tensors[0].tensor.dtype(), i64);
  EXPECT_EQ(tensors[0].tensor.values(), std::vector<double>{4294967295});
  EXPECT_EQ(tensors[1].tensor.dtype(), i32);
  EXPECT_EQ(tensors[1].tensor.values(), (std::vector<double>{-1, -32768}));
  EXPECT_EQ(tensors[2].tensor.values(), std::vector<double>{65535});
  EXPECT_EQ(tensors[3].tensor.values(), (std::vector<double>{-128, 127}));
}

TEST_F(Safetensors, SavesNothingThatCannotBeLoaded) {
  EXPECT_THROW(save_safetensors(path_, {{"a", ones({1})}, {"a", ones({1})}}), ValueError);
  EXPECT_THROW(save_safetensors(path_, {{"__metadata__", ones({1})}}), ValueError);
  EXPECT_THROW(save_safetensors(path_, {{"\xff", ones({1})}}), ValueError);
  EXPECT_THROW(save_safetensors(path_, {}, {{"k", "\xff"}}), ValueError);
  EXPECT_THROW(save_safetensors(folder_ / "missing" / "a", {}), IoError);
  EXPECT_FALSE(fs::exists(path_));
}

}  // namespace
}  // namespace tapegrad::io
