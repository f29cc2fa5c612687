#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/io/npy.hpp>
#include <tapegrad/ops/view.hpp>

#include "../temporary_folder.hpp"
#include "numpy_files.hpp"

namespace tapegrad::io {
namespace {

namespace fs = std::filesystem;
using namespace tests;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string decoded(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i < digits.size();) {
    if (digits[i] == '~') {
      bytes.append(16, ' ');
      ++i;
      continue;
    }
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
    i += 2;
  }
  return bytes;
}

class Npy : public ::testing::Test {
 protected:
  void put(std::string_view bytes) const { own_.write("a.npy", bytes); }
  std::string bytes() const { return content_of(path_); }
  Tensor loaded(std::string_view digits) const {
    put(decoded(digits));
    return load_npy(path_);
  }
  NamedTensors archive(std::string_view bytes) const {
    put(bytes);
    return load_npz(path_);
  }

  /// Why it is refused; "" if it is not.
  template <class Load>
  std::string refusal(std::string_view bytes, const Load& load) const {
    put(bytes);
    try {
      load(path_);
      return "";
    } catch (const IoError& error) {
      EXPECT_THAT(error.what(), HasSubstr(path_.string()));
      EXPECT_LT(std::strlen(error.what()), 1000u);
      return error.what();
    }
  }
  std::string refusal(std::string_view bytes) const { return refusal(bytes, load_npy); }
  std::string npz_refusal(std::string_view bytes) const { return refusal(bytes, load_npz); }
  /// Of a version 1 file with this header and this many bytes of zeros.
  std::string header_refusal(const std::string& header, std::size_t data = 8) const {
    std::string file("\x93NUMPY\x01\0", 8);
    file += static_cast<char>(header.size() & 0xff);
    file += static_cast<char>(header.size() >> 8);
    return refusal(file + header + std::string(data, '\0'));
  }

  const TemporaryFolder own_;
  const fs::path folder_ = own_.path(), path_ = folder_ / "a.npy";
};

void expect_same(const Tensor& got, const Tensor& wanted) {
  EXPECT_EQ(got.dtype(), wanted.dtype());
  EXPECT_EQ(got.shape(), wanted.shape());
  EXPECT_EQ(got.values(), wanted.values());
}

TEST_F(Npy, ReadsWhatNumPyWrites) {
  expect_same(loaded(kMatrix), tensor({1.5, -2, 3, 4, 5, 1e300}, {2, 3}, f64));
  expect_same(loaded(kFortran), tensor({1, 2, 3, 4, 5, 6}, {2, 3}));
  EXPECT_TRUE(loaded(kFortran).is_contiguous());
  expect_same(loaded(kBigInts), tensor({1, -2, 70000}, i32));
  expect_same(loaded(kBigScalar), scalar(2.5, f64));
  EXPECT_EQ(loaded(kLongs).data<std::int64_t>()[0], std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(loaded(kLongs).shape(), (Shape{1, 2, 1}));
  expect_same(loaded(kBytes), tensor({0, 255, 7}, u8));
  expect_same(loaded(kBools), tensor({1, 0, 1}, boolean));
  expect_same(loaded(kEmpty), zeros({0, 3}));
  expect_same(loaded(kVersion2), tensor({1, 2}, f64));
  expect_same(loaded(kVersion3), tensor({1, 2}, f64));
}

TEST_F(Npy, WritesTheBytesThatNumPyWrites) {
  save_npy(path_, tensor({1.5, -2, 3, 4, 5, 1e300}, {2, 3}, f64));
  EXPECT_EQ(bytes(), decoded(kMatrix));
  save_npy(path_, tensor({0, 255, 7}, u8));
  EXPECT_EQ(bytes(), decoded(kBytes));
  save_npy(path_, tensor({1, 0, 1}, boolean));
  EXPECT_EQ(bytes(), decoded(kBools));
  save_npy(path_, zeros({0, 3}));
  EXPECT_EQ(bytes(), decoded(kEmpty));
}

TEST_F(Npy, RoundTripsEveryDtypeShapeAndLayout) {
  Rng rng(1);
  for (const Tensor& t :
       {randn({3, 4}, f32, rng), randn({2, 1, 3}, f64, rng), randint(-9, 9, {5}, rng), tensor({-7, 7}, i32),
        tensor({0, 255}, u8), tensor({1, 0}, boolean), scalar(2.5), zeros({2, 0, 3}), ones({1, 1, 1, 1, 1, 1, 1, 2}),
        transpose(randn({3, 4}, f32, rng)), full({2}, std::nan("")),
        make_row_sparse({3, 2}, copy_of(std::vector<std::int64_t>{1}), tensor({5, 6}, {1, 2}))}) {
    save_npy(path_, t);
    const Tensor back = load_npy(path_);
    EXPECT_EQ(back.shape(), t.shape());
    EXPECT_EQ(back.dtype(), t.dtype());
    const auto got = back.values(), wanted = t.to_dense().values();
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_TRUE(got[i] == wanted[i] || (std::isnan(got[i]) && std::isnan(wanted[i])));
    EXPECT_EQ(fs::file_size(path_) % 64, back.numel() * static_cast<std::int64_t>(size_of(back.dtype())) % 64);
  }
}

TEST_F(Npy, RefusesOtherDtypes) {
  EXPECT_THAT(refusal(decoded(kHalf)), HasSubstr("its dtype is '<f2'; f4, f8, i4, i8, u1 and b1 are read"));
  EXPECT_THAT(refusal(decoded(kFields)), HasSubstr("its dtype has fields"));
  for (const char* dtype : {"'|O'", "'<c16'", "'<U3'", "'f8'", "'|f8'", "''", "'<'", "'<f80'", "'<b1 '"})
    EXPECT_THAT(header_refusal(std::string("{'descr': ") + dtype + ", 'fortran_order': False, 'shape': (1,), }"),
                HasSubstr("its dtype is '"))
        << dtype;
  EXPECT_THAT(header_refusal("{'descr': '|b1', 'fortran_order': False, 'shape': (8,), }"), IsEmpty());
  std::string odd = decoded(kBools);
  odd.back() = '\x02';
  EXPECT_THAT(refusal(odd), HasSubstr("its bool elements are not all 0 or 1"));
}

TEST_F(Npy, RefusesDamagedHeaders) {
  const std::string start = "{'descr': '<f8', 'fortran_order': False, 'shape': ";
  EXPECT_THAT(header_refusal(start + "(1,), }"), IsEmpty());
  EXPECT_THAT(header_refusal(start + "(1,)}"), IsEmpty());
  EXPECT_THAT(header_refusal(start + "(1L, 1L)}  \n"), IsEmpty());
  EXPECT_THAT(header_refusal("{\"shape\": (1,), \"descr\":'>f8','fortran_order':True}"), IsEmpty());
  EXPECT_THAT(header_refusal(""), HasSubstr("lacks a '{'"));
  EXPECT_THAT(header_refusal(start + "(1)}"), HasSubstr("'shape' is not a tuple"));
  EXPECT_THAT(header_refusal(start + "(-1,)}"), HasSubstr("something else than whole numbers"));
  EXPECT_THAT(header_refusal(start + "(1.5,)}"), HasSubstr("lacks a ','"));
  EXPECT_THAT(header_refusal(start + "(True,)}"), HasSubstr("something else than whole numbers"));
  EXPECT_THAT(header_refusal(start + "(99999999999999999999,)}"), HasSubstr("beyond 2^63"));
  EXPECT_THAT(header_refusal(start + "(4294967296, 4294967296)}"), HasSubstr("more elements than any file"));
  EXPECT_THAT(header_refusal(start + "(0, 9223372036854775807, 3)}", 0), HasSubstr("more elements than any file"));
  EXPECT_THAT(header_refusal(start + "(1,1,1,1,1,1,1,1,1)}"), HasSubstr("more than 8 axes"));
  EXPECT_THAT(header_refusal(start + "(1099511627776,)}"), HasSubstr("takes 8796093022208 bytes, 8 are there"));
  EXPECT_THAT(header_refusal(start + "(1,), 'x': 1}"), HasSubstr("has the key 'x'"));
  EXPECT_THAT(header_refusal(start + "(1,), 'shape': (1,)}"), HasSubstr("the key 'shape' twice"));
  EXPECT_THAT(header_refusal("{'descr': '<f8'}"), HasSubstr("lacks 'descr', 'fortran_order' or 'shape'"));
  EXPECT_THAT(header_refusal(start + "(1,)} x"), HasSubstr("something follows"));
  EXPECT_THAT(header_refusal(start + "(1,"), HasSubstr("something else than whole numbers"));
  EXPECT_THAT(header_refusal(start + std::string(3000, '(')), HasSubstr("something else than whole numbers"));
  EXPECT_THAT(header_refusal("{'descr"), HasSubstr("lacks a key in quotes"));
  EXPECT_THAT(header_refusal("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}"), HasSubstr("neither True nor"));
  EXPECT_THAT(header_refusal(start + "(1,)}" + std::string(10'000, ' ')), HasSubstr("10000 are allowed"));
}

TEST_F(Npy, RefusesOtherFiles) {
  EXPECT_THAT(refusal(""), HasSubstr("it has only 0 bytes"));
  EXPECT_THAT(refusal("PK\x03\x04 something else"), HasSubstr("does not begin with \\x93NUMPY"));
  std::string file = decoded(kMatrix);
  file[6] = 9;
  EXPECT_THAT(refusal(file), HasSubstr("its version is 9; 1 to 3 are known"));
  EXPECT_THAT(refusal(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12)),
              HasSubstr("its header has 4294967295 bytes, 0 are there"));
  EXPECT_THAT(refusal(decoded(kMatrix) + "x"), HasSubstr("takes 48 bytes, 49 are there"));
  EXPECT_THROW(load_npy(folder_), IoError);
  EXPECT_THROW(load_npy(folder_ / "missing.npy"), IoError);
}

TEST_F(Npy, RefusesEveryTruncationAndSurvivesEveryFlippedBit) {
  const std::string file = decoded(kFortran);
  for (std::size_t length = 0; length < file.size(); ++length)
    EXPECT_NE(refusal(std::string_view(file).substr(0, length)), "") << length;
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    std::string flipped = file;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    refusal(flipped);  // may be another array; must not crash
  }
}

TEST_F(Npy, LeavesNothingBehindWhenItCannotWrite) {
  EXPECT_THROW(save_npy(folder_ / "missing" / "a.npy", ones({1})), IoError);
  EXPECT_TRUE(fs::is_empty(folder_));
}

// ---- archives -------------------------------------------------------------------------------------------------------

TEST_F(Npy, ReadsArchivesThatNumPyWrites) {
  const NamedTensors all = archive(decoded(kArchive));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "a");
  expect_same(all[0].tensor, tensor({1, 2, 3}, f64));
  EXPECT_EQ(all[1].name, "layer.w");
  expect_same(all[1].tensor, tensor({1, 2, 3, 4}, {2, 2}, i32));
  const NamedTensors packed = archive(decoded(kCompressed));
  ASSERT_EQ(packed.size(), 1u);
  EXPECT_EQ(packed[0].name, "a");
  expect_same(packed[0].tensor, zeros({3}, f64));
}

TEST_F(Npy, RoundTripsArchives) {
  const NamedTensors written{{"b", tensor({1, 2}, {1, 2}, f64)}, {"ünï/a", scalar(1)}, {"empty", zeros({0})}};
  save_npz(path_, written);
  const std::string once = bytes();
  const NamedTensors back = load_npz(path_);
  ASSERT_EQ(back.size(), written.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    EXPECT_EQ(back[i].name, written[i].name);
    expect_same(back[i].tensor, written[i].tensor);
  }
  save_npz(path_, written);
  EXPECT_EQ(bytes(), once);
  EXPECT_THAT(archive([&] {
                save_npz(path_, {});
                return bytes();
              }()),
              IsEmpty());
}

TEST_F(Npy, RefusesArchivesThatItDoesNotRead) {
  EXPECT_THAT(npz_refusal(decoded(kMatrix)), HasSubstr("it has no end record"));
  EXPECT_THAT(npz_refusal(""), HasSubstr("it has only 0 bytes"));
  std::string file = decoded(kArchive);
  const std::size_t data = file.find("\x93NUMPY");
  file[data + 128] ^= 1;
  EXPECT_THAT(npz_refusal(file), HasSubstr("its checksum is not that of its bytes"));
}

TEST_F(Npy, RefusesArchivesThatLie) {
  save_npz(path_, {{"a", ones({4}, f64)}, {"b", zeros({4}, f64)}});
  const std::string good = bytes();
  const auto changed = [&](std::size_t at, std::string_view with) {
    std::string file = good;
    file.replace(at, with.size(), with);
    return npz_refusal(file);
  };
  const std::string central("PK\x01\x02");
  const std::size_t first = good.find(central), second = good.find(central, first + 1);
  std::string twice = good;
  twice[twice.find("b.npy")] = 'a';
  twice[second + 46] = 'a';
  EXPECT_THAT(npz_refusal(twice), HasSubstr("two members have the name 'a.npy'"));
  EXPECT_THAT(changed(first + 46, "c"), HasSubstr("has another name where it lies"));
  EXPECT_THAT(changed(first + 8, std::string_view("\x01", 1)), HasSubstr("is encrypted"));
  EXPECT_THAT(changed(first + 10, std::string_view("\x0e", 1)), HasSubstr("is compressed by method 14"));
  EXPECT_THAT(changed(first + 24, std::string_view("\x01\x00\x00\x00", 4)), HasSubstr("has two sizes"));
  EXPECT_THAT(changed(first + 20, std::string_view("\xf0\xff\xff\x7f\xf0\xff\xff\x7f", 8)),
              HasSubstr("lies outside it"));
  EXPECT_THAT(changed(first + 42, std::string_view("\xf0\xff\xff\x7f", 4)), HasSubstr("lies outside it"));
  EXPECT_THAT(changed(first + 42, std::string_view("\x01", 1)), HasSubstr("is not where the directory says"));
  const std::size_t end = good.find("PK\x05\x06");
  EXPECT_THAT(changed(end + 8, std::string_view("\xe8\x03\xe8\x03", 4)), HasSubstr("too short for its members"));
  EXPECT_THAT(changed(end + 8, std::string_view("\x01\x00\x01\x00", 4)), HasSubstr("bytes left over"));
  EXPECT_THAT(changed(end + 16, std::string_view("\xff\xff\xff\x7f", 4)), HasSubstr("lies outside it"));
  EXPECT_THAT(changed(end + 16, std::string_view("\xff\xff\xff\xff", 4)), HasSubstr("record is missing"));
}

TEST_F(Npy, SurvivesEveryTruncationAndFlippedBitOfAnArchive) {
  const std::string file = decoded(kArchive);
  for (std::size_t length = 0; length < file.size(); ++length)
    EXPECT_NE(npz_refusal(std::string_view(file).substr(0, length)), "") << length;
  for (std::size_t bit = 0; bit < 8 * file.size(); bit += 3) {
    std::string flipped = file;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    npz_refusal(flipped);
  }
}

TEST_F(Npy, RefusesToWriteNamesThatClash) {
  EXPECT_THROW(save_npz(path_, {{"a", ones({1})}, {"a", ones({1})}}), ValueError);
  EXPECT_THROW(save_npz(path_, {{"", ones({1})}}), ValueError);
  EXPECT_FALSE(fs::exists(path_));
}

}  // namespace
}  // namespace tapegrad::io
