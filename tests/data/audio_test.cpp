#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <numbers>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/audio.hpp>

#include "../message_of.hpp"
#include "../temporary_folder.hpp"

namespace tapegrad::data {
namespace {

using ::testing::HasSubstr;

std::string le(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}
std::string chunk(const std::string& id, const std::string& data) {
  return id + le(data.size(), 4) + data + std::string(data.size() % 2, '\0');
}
std::string format(unsigned codec, unsigned channels, unsigned rate, unsigned bits) {
  return chunk("fmt ", le(codec, 2) + le(channels, 2) + le(rate, 4) + le(rate * channels * bits / 8, 4) +
                           le(channels * bits / 8, 2) + le(bits, 2));
}
std::string wav(const std::string& chunks) { return chunk("RIFF", "WAVE" + chunks); }

TEST(Wav, ReadsAllFormats) {
  const TemporaryFolder folder;
  const auto read = [&](unsigned codec, unsigned bits, const std::string& data) {
    return read_wav(
               folder.write("a.wav", wav(format(codec, 1, 8000, bits) + chunk("LIST", "odd") + chunk("data", data))))
        .samples.values();
  };
  const std::vector<double> expected{0, -1, 0.5};
  EXPECT_EQ(read(1, 8, le(0x80, 1) + le(0, 1) + le(0xC0, 1)), expected);
  EXPECT_EQ(read(1, 16, le(0, 2) + le(0x8000, 2) + le(0x4000, 2)), expected);
  EXPECT_EQ(read(1, 24, le(0, 3) + le(0x800000, 3) + le(0x400000, 3)), expected);
  EXPECT_EQ(read(1, 32, le(0, 4) + le(0x80000000, 4) + le(0x40000000, 4)), expected);
  EXPECT_EQ(read(3, 32, le(0, 4) + le(0xBF800000, 4) + le(0x3F000000, 4)), expected);
  EXPECT_EQ(read(3, 64, le(0, 8) + le(0xBFF0000000000000, 8) + le(0x3FE0000000000000, 8)), expected);
  const std::string extensible =
      chunk("fmt ", format(0xFFFE, 1, 8000, 16).substr(8) + le(22, 2) + le(16, 2) + le(0, 4) + le(1, 2) +
                        std::string("\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71", 14));
  EXPECT_EQ(read_wav(folder.write("e.wav", wav(extensible + chunk("data", le(0x4000, 2))))).samples.values(),
            std::vector<double>{0.5});
}

TEST(Wav, SeparatesChannels) {
  const TemporaryFolder folder;
  const Audio audio = read_wav(folder.write(
      "a.wav", wav(format(1, 2, 16000, 16) + chunk("data", le(0x4000, 2) + le(0, 2) + le(0x2000, 2) + le(0xE000, 2)))));
  EXPECT_EQ(audio.rate, 16000);
  EXPECT_EQ(audio.samples.shape(), (Shape{2, 2}));
  EXPECT_EQ(audio.samples.values(), (std::vector<double>{0.5, 0.25, 0, -0.25}));
  EXPECT_EQ(audio.mono().values(), (std::vector<double>{0.25, 0}));
}

TEST(Wav, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const auto reason = [&](const std::string& content) {
    return message_of<IoError>([&] { read_wav(folder.write("a.wav", content)); });
  };
  const std::string whole = wav(format(1, 2, 8000, 16) + chunk("data", std::string(40, 'x')));
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_THAT(reason(whole.substr(0, i)), HasSubstr("a.wav: ")) << i;
  EXPECT_THAT(reason(whole.substr(0, 60)), HasSubstr("cut short: of 40 bytes of 'data' 16 are there"));
  EXPECT_THAT(reason("ID3 and more of an mp3"), HasSubstr("not a WAV file"));
  EXPECT_THAT(reason(wav(format(85, 1, 8000, 16))), HasSubstr("codec 85"));
  EXPECT_THAT(reason(wav(format(1, 1, 8000, 12))), HasSubstr("12 bits"));
  EXPECT_THAT(reason(wav(format(1, 0, 8000, 16))), HasSubstr("0 channels"));
  EXPECT_THAT(reason(wav(chunk("data", "xx") + format(1, 1, 8000, 16))), HasSubstr("before their format"));
  EXPECT_THAT(reason(wav(format(1, 2, 8000, 16) + chunk("data", "xxx"))), HasSubstr("no whole number of frames"));
  EXPECT_THAT(reason(wav(format(1, 1, 8000, 16) + "data" + le(0xFFFFFFFE, 4))), HasSubstr("cut short"));
}

Tensor sine(double hertz, std::int64_t frames, double rate) {
  Tensor t = empty({frames});
  for (std::int64_t i = 0; i < frames; ++i)
    t.mutable_data<float>()[static_cast<std::size_t>(i)] =
        static_cast<float>(std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
  return t;
}

TEST(LogMel, EqualsItsDefinition) {
  const Tensor samples = sine(440, 200, 8000);
  const MelOptions options{.window = 0.01, .hop = 0.005, .bands = 5};
  const Tensor features = log_mel(samples, 8000, options);
  ASSERT_EQ(features.shape(), (Shape{4, 5}));
  // Frame 1, band 2, by the sums themselves.
  const int window = 80, size = 128;
  const auto mel = [](double f) { return 2595 * std::log10(1 + f / 700); };
  const auto corner = [&](int i) { return 700 * (std::pow(10, (mel(20) + (mel(4000) - mel(20)) * i / 6) / 2595) - 1); };
  double energy = 0;
  for (int k = 0; k <= size / 2; ++k) {
    double re = 0, im = 0;
    for (int n = 0; n < window; ++n) {
      const double x = samples.values()[40 + static_cast<std::size_t>(n)] *
                       (0.5 - 0.5 * std::cos(2 * std::numbers::pi * n / window));
      re += x * std::cos(2 * std::numbers::pi * k * n / size);
      im -= x * std::sin(2 * std::numbers::pi * k * n / size);
    }
    const double f = k * 8000.0 / size;
    const double weight =
        std::min((f - corner(2)) / (corner(3) - corner(2)), (corner(4) - f) / (corner(4) - corner(3)));
    energy += std::max(0.0, weight) * (re * re + im * im);
  }
  EXPECT_NEAR(features.at({1, 2}), std::log(energy), 1e-5);
}

TEST(Wav, ReadsWhatOtherProgramsWrite) {
  const TemporaryFolder folder;
  const auto values = [&](const std::string& chunks) {
    return read_wav(folder.write("b.wav", wav(chunks))).samples.values();
  };
  const std::string samples = le(0x4000, 2) + le(0xC000, 2);
  const std::vector<double> expected{0.5, -0.5};
  const std::string guid = le(1, 2) + std::string("\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71", 14);
  const std::string extensible = chunk("fmt ", le(0xFFFE, 2) + le(1, 2) + le(8000, 4) + le(16000, 4) + le(2, 2) +
                                                   le(16, 2) + le(22, 2) + le(16, 2) + le(4, 4) + guid);
  EXPECT_EQ(values(extensible + chunk("fact", le(2, 4)) + chunk("data", samples)), expected);
  // Written as it came: nobody went back to fill in the length.
  EXPECT_EQ(values(format(1, 1, 8000, 16) + "data" + le(0xFFFFFFFF, 4) + samples), expected);
  EXPECT_EQ(values(format(1, 1, 8000, 16) + chunk("data", samples) + chunk("LIST", "after")), expected);
  EXPECT_EQ(values(format(1, 1, 8000, 16) + chunk("data", "")), std::vector<double>{});
}

TEST(LogMel, TakesNoMemoryForAWindowBeyondTheSound) {
  EXPECT_EQ(log_mel(zeros({50}), 4'000'000'000).shape(), (Shape{0, 40}));
}

TEST(LogMel, HearsHigherTonesInHigherBands) {
  std::int64_t before = -1;
  for (const double hertz : {200.0, 500.0, 1000.0, 2500.0, 6000.0}) {
    const Tensor features = log_mel(sine(hertz, 1600, 16000), 16000);
    std::int64_t loudest = 0;
    for (std::int64_t b = 0; b < 40; ++b)
      if (features.at({3, b}) > features.at({3, loudest})) loudest = b;
    EXPECT_GT(loudest, before);
    before = loudest;
  }
  EXPECT_EQ(log_mel(zeros({400}), 16000).values(), std::vector<double>(40, static_cast<float>(std::log(1e-10))));
  EXPECT_EQ(log_mel(zeros({399}), 16000).shape(), (Shape{0, 40}));
  EXPECT_THAT(message_of<ValueError>([] { log_mel(zeros({400}), 16000, {.bands = 400}); }), HasSubstr("fewer bands"));
  EXPECT_THROW(log_mel(zeros({400}), 16000, {.high = 9000}), ValueError);
  EXPECT_THROW(log_mel(zeros({1, 400}), 16000), ShapeError);
}

TEST(VaryFeatures, MovesAndHides) {
  Tensor features = empty({2, 30, 10});
  auto values = features.mutable_data<float>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(1 + i % 10);
  const std::vector<std::int64_t> rows{4, 9};
  // Without stripes each band holds another's value, the same one at all times, and 0 comes in at one end.
  Batch moved{{features}, {}, 2};
  augment::vary_features(1, {.shift = 3, .stripes = 0})(moved, rows, 0);
  for (std::int64_t sample = 0; sample < 2; ++sample) {
    const auto up = static_cast<std::int64_t>(5 - (moved.inputs[0].at({sample, 0, 4})));
    for (std::int64_t t = 0; t < 30; ++t)
      for (std::int64_t b = 0; b < 10; ++b)
        EXPECT_EQ(moved.inputs[0].at({sample, t, b}), b - up >= 0 && b - up < 10 ? static_cast<double>(1 + b - up) : 0);
  }
  // Stripes: what stays is as it was, and each hides two bands and two stretches of time at most.
  Batch hidden{{features}, {}, 2};
  const auto hide = augment::vary_features(1, {.shift = 0, .bands = 2, .times = 4, .stripes = 2});
  hide(hidden, rows, 3);
  std::int64_t zeros_seen = 0;
  for (std::int64_t t = 0; t < 30; ++t)
    for (std::int64_t b = 0; b < 10; ++b) {
      const double value = hidden.inputs[0].at({0, t, b});
      zeros_seen += value == 0;
      EXPECT_TRUE(value == 0 || value == static_cast<double>(1 + b));
    }
  EXPECT_LE(zeros_seen, 4 * 30 + 8 * 10);
  Batch again{{features}, {}, 2};
  hide(again, rows, 3);
  EXPECT_EQ(again.inputs[0].values(), hidden.inputs[0].values()) << "it follows from seed, epoch and row";
  EXPECT_THROW(augment::vary_features(1, {.shift = -1}), ValueError);
  Batch images{{zeros({2, 1, 3, 3})}, {}, 2};
  EXPECT_THAT(message_of<ShapeError>([&] { hide(images, rows, 0); }),
              HasSubstr("expected features, f32 [N, time, bands]"));
}

}  // namespace
}  // namespace tapegrad::data
