#include <tapegrad/data/audio.hpp>

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <numbers>
#include <optional>
#include <string_view>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/data/internal/byte_stream.hpp>
#include <unsupported/Eigen/FFT>
#include <vector>

namespace tapegrad::data {
namespace {

constexpr unsigned kPcm = 1, kFloat = 3, kExtensible = 0xFFFE;
constexpr std::uint64_t kLargest = std::uint64_t{4} << 30;  // the format's own limit

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
  if (format.codec == kExtensible && chunk.size() >= 26) format.codec = little_endian(chunk, 24, 2);
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

double mel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double hertz(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

// A row a band: the weight of each frequency.
std::vector<std::vector<double>> triangles(const MelOptions& o, double high, double bin, std::size_t bins) {
  std::vector<double> corners;
  for (std::int64_t i = 0; i < o.bands + 2; ++i)
    corners.push_back(
        hertz(mel(o.low) + (mel(high) - mel(o.low)) * static_cast<double>(i) / static_cast<double>(o.bands + 1)));
  std::vector<std::vector<double>> bands;
  for (std::size_t b = 0; b + 2 < corners.size(); ++b) {
    std::vector<double>& weights = bands.emplace_back(bins);
    double sum = 0;
    for (std::size_t k = 0; k < bins; ++k) {
      const double f = static_cast<double>(k) * bin;
      const double rise = (f - corners[b]) / (corners[b + 1] - corners[b]);
      const double fall = (corners[b + 2] - f) / (corners[b + 2] - corners[b + 1]);
      sum += weights[k] = std::max(0.0, std::min(rise, fall));
    }
    if (sum == 0)
      throw ValueError(
          fmt::format("log_mel: band {} of {}, from {:.0f} to {:.0f} Hz, has no frequency in it; take fewer "
                      "bands or a longer window",
                      b + 1, o.bands, corners[b], corners[b + 2]));
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
  ByteStream file(path);
  const std::string& name = file.name();
  const std::string riff = file.read(12);
  if (riff.size() < 12 || !riff.starts_with("RIFF") || std::string_view(riff).substr(8) != "WAVE")
    throw IoError(fmt::format("{}: not a WAV file: it does not begin with RIFF and WAVE", name));
  std::optional<Format> format;
  for (;;) {
    const std::string head = file.read(8);
    if (head.size() < 8)
      throw IoError(fmt::format("{}: is cut short: no {} in it", name, format ? "samples (data)" : "format (fmt)"));
    const std::string_view id = std::string_view(head).substr(0, 4);
    const std::uint64_t bytes = little_endian(head, 4, 4), padded = bytes + bytes % 2;
    if (id == "data" && !format) throw IoError(fmt::format("{}: its samples come before their format", name));
    const std::string chunk = file.read(std::min(id == "data" ? bytes : padded, kLargest));
    if (chunk.size() < bytes)
      throw IoError(fmt::format("{}: is cut short: of {} bytes of '{}' {} are there", name, bytes, id, chunk.size()));
    if (id == "fmt ") format = parse_format(chunk, name);
    if (id != "data") continue;
    const std::size_t step = format->bits / 8, frames = chunk.size() / format->frame_bytes();
    if (chunk.size() % format->frame_bytes() != 0)
      throw IoError(fmt::format("{}: is cut short: {} bytes are no whole number of frames of {}", name, chunk.size(),
                                format->frame_bytes()));
    Audio audio{empty({format->channels, static_cast<std::int64_t>(frames)}), format->rate};
    const auto out = audio.samples.mutable_data<float>();
    for (std::size_t i = 0; i < frames; ++i)
      for (std::size_t c = 0; c < format->channels; ++c)
        out[c * frames + i] = sample(chunk.data() + (i * format->channels + c) * step, *format);
    return audio;
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
    for (const std::vector<double>& weights : bands) {
      double energy = 0;
      for (std::size_t k = 0; k < bins; ++k) energy += weights[k] * power[k];
      *to++ = static_cast<float>(std::log(std::max(energy, o.floor)));
    }
  }
  return features;
}

}  // namespace tapegrad::data
