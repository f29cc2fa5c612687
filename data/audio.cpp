#include <tapegrad/data/audio.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <numbers>
#include <optional>
#include <string_view>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/byte_stream.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <unsupported/Eigen/FFT>
#include <vector>

namespace tapegrad::data {
namespace {

constexpr unsigned kPcm = 1, kFloat = 3, kExtensible = 0xFFFE;
constexpr std::size_t kExtensibleBytes = 40;
constexpr std::uint64_t kUnknownLength = 0xFFFF'FFFF;  // of samples that were written as they came

struct Format {
  unsigned codec, channels, bits;
  std::int64_t rate;
  std::size_t frame_bytes() const { return std::size_t{channels} * (bits / 8); }
};

std::uint32_t little_endian(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

Format parse_format(std::string_view chunk, const std::string& file) {
  if (chunk.size() < 16) throw IoError(fmt::format("{}: its format takes {} bytes; 16 at least", file, chunk.size()));
  Format format{little_endian(chunk, 0, 2), little_endian(chunk, 2, 2), little_endian(chunk, 14, 2),
                static_cast<std::int64_t>(little_endian(chunk, 4, 4))};
  if (format.codec == kExtensible && chunk.size() >= kExtensibleBytes) {
    // A GUID whose first two bytes are the codec, if the rest is this.
    constexpr std::string_view kRest("\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71", 14);
    if (chunk.substr(26, kRest.size()) == kRest) format.codec = little_endian(chunk, 24, 2);
  }
  const unsigned b = format.bits;
  const bool known =
      format.codec == kPcm ? b == 8 || b == 16 || b == 24 || b == 32 : format.codec == kFloat && (b == 32 || b == 64);
  if (!known)
    throw IoError(
        fmt::format("{}: codec {} with {} bits; PCM (1) of 8, 16, 24 or 32 and floats (3) of 32 or 64 can be "
                    "read. Convert it: ffmpeg -i IN -c:a pcm_s16le OUT.wav",
                    file, format.codec, format.bits));
  if (format.channels == 0 || format.rate == 0)
    throw IoError(fmt::format("{}: {} channels at {} frames a second", file, format.channels, format.rate));
  if (const std::uint32_t frame = little_endian(chunk, 12, 2); frame != format.frame_bytes())
    throw IoError(fmt::format("{}: its frames take {} bytes, where {} channels of {} bits take {}", file, frame,
                              format.channels, format.bits, format.frame_bytes()));
  return format;
}

float sample(const char* at, const Format& format) {
  const std::string_view bytes(at, format.bits / 8);
  if (format.codec == kFloat && format.bits == 64) {
    double value;
    std::memcpy(&value, at, sizeof value);
    return static_cast<float>(value);
  }
  const std::uint32_t raw = little_endian(bytes, 0, bytes.size());
  if (format.codec == kFloat) return std::bit_cast<float>(raw);
  if (format.bits == 8) return (static_cast<float>(raw) - 128) / 128;  // alone without a sign
  const auto value = static_cast<std::int32_t>(raw << (32 - format.bits));
  return static_cast<float>(value * 0x1p-31);
}

/// Takes the frames off the stream, which has them: f32 [channels, frames].
Tensor decode(ByteStream& stream, const Format& format, std::uint64_t frames) {
  Tensor samples = empty({format.channels, static_cast<std::int64_t>(frames)});
  const auto out = samples.mutable_data<float>();
  const std::size_t step = format.bits / 8, frame = format.frame_bytes(),
                    block = std::max<std::size_t>(1, (1 << 16) / frame);
  for (std::uint64_t done = 0; done < frames;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(block, frames - done));
    const std::string bytes = stream.read(count * frame);
    if (bytes.size() < count * frame) throw IoError(stream.what() + "it became shorter while it was read");
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t c = 0; c < format.channels; ++c)
        out[c * frames + done + i] = sample(bytes.data() + (i * format.channels + c) * step, format);
    done += count;
  }
  return samples;
}

double mel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double hertz(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

struct Band {
  std::size_t first;  // frequency, of those that lie in the band
  std::vector<double> weights;
};

std::vector<Band> triangles(const MelOptions& o, double high, double bin, std::size_t bins) {
  const auto corner = [&](std::int64_t i) {
    return hertz(mel(o.low) + (mel(high) - mel(o.low)) * static_cast<double>(i) / static_cast<double>(o.bands + 1));
  };
  std::vector<Band> bands;
  for (std::int64_t b = 0; b < o.bands; ++b) {
    const double low = corner(b), middle = corner(b + 1), top = corner(b + 2);
    Band& band = bands.emplace_back(Band{static_cast<std::size_t>(low / bin) + 1, {}});
    const auto weight = [&](std::size_t k) {
      const double f = static_cast<double>(k) * bin;
      return std::max(0.0, std::min((f - low) / (middle - low), (top - f) / (top - middle)));
    };
    while (band.first > 0 && weight(band.first - 1) > 0) --band.first;  // where the division has rounded
    for (std::size_t k = band.first; k < bins && weight(k) > 0; ++k) band.weights.push_back(weight(k));
    if (band.weights.empty())
      throw ValueError(
          fmt::format("log_mel: band {} of {}, from {:.0f} to {:.0f} Hz, has no frequency in it; take fewer "
                      "bands or a longer window",
                      b + 1, o.bands, low, top));
  }
  return bands;
}

}  // namespace

Tensor Audio::mono() const {
  const std::int64_t channels = samples.size(0), frames = samples.size(1);
  Tensor mixed = zeros({frames});
  const Tensor dense = samples.contiguous();
  const float* from = dense.data<float>().data();
  const auto to = mixed.mutable_data<float>();
  for (std::int64_t c = 0; c < channels; ++c)
    for (float& value : to) value += *from++;
  for (float& value : to) value /= static_cast<float>(channels);
  return mixed;
}

Audio read_wav(const std::filesystem::path& path) {
  const InputFile file(path);
  ByteStream stream(file);
  const std::string& name = file.name();
  const auto refuse = [&](const std::string& why) { throw IoError(fmt::format("{}: {}", name, why)); };
  const std::string riff = stream.read(12);
  if (riff.starts_with("RF64") || riff.starts_with("BW64") || riff.starts_with("RIFX"))
    refuse(fmt::format("is of the kind {}; save it as an ordinary WAV file (RIFF)", riff.substr(0, 4)));
  if (riff.size() < 12 || !riff.starts_with("RIFF") || std::string_view(riff).substr(8) != "WAVE")
    refuse("not a WAV file: it does not begin with RIFF and WAVE");
  std::optional<Format> format;
  for (;;) {
    const std::string head = stream.read(8);
    if (head.size() < 8) refuse(fmt::format("is cut short: no {} in it", format ? "samples (data)" : "format (fmt)"));
    const std::string id = printable(head.substr(0, 4));
    std::uint64_t bytes = little_endian(head, 4, 4);
    if (id == "data") {
      if (!format) refuse("its samples come before their format");
      if (bytes == 0 && stream.count(1) > 0) refuse("says that it has no samples, and has some; was it ever finished?");
      const std::uint64_t there = stream.count(bytes);
      if (bytes == kUnknownLength) bytes = there;
      if (there < bytes) refuse(fmt::format("is cut short: of {} bytes of 'data' {} are there", bytes, there));
      if (bytes % format->frame_bytes() != 0)
        refuse(fmt::format("is cut short: {} bytes are no whole number of frames of {}", bytes, format->frame_bytes()));
      return {decode(stream, *format, bytes / format->frame_bytes()), format->rate};
    }
    constexpr std::uint64_t kLongestFormat = 1024;
    if (id == "fmt ") {
      const std::string chunk = stream.read(std::min(bytes, kLongestFormat));
      if (chunk.size() == bytes) format = parse_format(chunk, name);
      if (bytes > kLongestFormat) refuse(fmt::format("its format takes {} bytes; {} at most", bytes, kLongestFormat));
      bytes -= chunk.size();
      if (bytes == 0 && chunk.size() % 2 == 1) stream.read(1);
      if (bytes > 0)
        refuse(fmt::format("is cut short: of {} bytes of 'fmt ' {} are there", bytes + chunk.size(), chunk.size()));
      continue;
    }
    std::uint64_t left = bytes + bytes % 2;
    while (left > 0) {
      const std::string skipped = stream.read(static_cast<std::size_t>(std::min<std::uint64_t>(left, 1 << 16)));
      left -= skipped.size();
      if (skipped.empty() && left > bytes % 2)
        refuse(fmt::format("is cut short: of {} bytes of '{}' {} are there", bytes, id, bytes + bytes % 2 - left));
      if (skipped.empty()) break;
    }
  }
}

Tensor log_mel(const Tensor& samples, std::int64_t rate, const MelOptions& o) {
  if (samples.rank() != 1 || samples.dtype() != f32)
    throw ShapeError(
        fmt::format("log_mel: samples are {}; expected f32 [frames]: see Audio::mono()", describe(samples)));
  const double half = static_cast<double>(rate) / 2, high = o.high > 0 ? o.high : half;
  const std::int64_t window = std::llround(o.window * static_cast<double>(rate)),
                     hop = std::llround(o.hop * static_cast<double>(rate));
  if (rate < 1 || window < 2 || hop < 1 || o.bands < 1 || !(o.low >= 0 && o.low < high && high <= half) ||
      !(o.floor > 0))
    throw ValueError(
        fmt::format("log_mel: rate {}, window {} s, hop {} s, {} bands from {} to {} Hz, floor {}: the window "
                    "needs two samples, the hop one, the band must lie in [0, {}]",
                    rate, o.window, o.hop, o.bands, o.low, high, o.floor, half));
  const std::int64_t times = samples.numel() < window ? 0 : 1 + (samples.numel() - window) / hop;
  if (times == 0) return empty({0, o.bands});  // the window may be larger than any memory
  const std::size_t size = std::bit_ceil(static_cast<std::size_t>(window)), bins = size / 2 + 1;
  const auto bands = triangles(o, high, static_cast<double>(rate) / static_cast<double>(size), bins);
  std::vector<double> hann(static_cast<std::size_t>(window));
  for (std::size_t i = 0; i < hann.size(); ++i)
    hann[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(window));

  Tensor features = empty({times, o.bands});
  const Tensor dense = samples.contiguous();
  const float* from = dense.data<float>().data();
  float* to = features.mutable_data<float>().data();
  Eigen::FFT<double> fft;
  std::vector<double> frame(size), power(bins);
  std::vector<std::complex<double>> spectrum;
  for (std::int64_t t = 0; t < times; ++t) {
    for (std::size_t i = 0; i < hann.size(); ++i)
      frame[i] = hann[i] * static_cast<double>(from[t * hop + static_cast<std::int64_t>(i)]);
    fft.fwd(spectrum, frame);
    for (std::size_t k = 0; k < bins; ++k) power[k] = std::norm(spectrum[k]);
    for (const auto& [first, weights] : bands) {
      double energy = 0;
      for (std::size_t k = 0; k < weights.size(); ++k) energy += weights[k] * power[first + k];
      *to++ = static_cast<float>(std::log(std::max(energy, o.floor)));
    }
  }
  return features;
}

}  // namespace tapegrad::data
