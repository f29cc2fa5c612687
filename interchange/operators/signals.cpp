// Fourier transforms, windows and mel filters.

#include <cmath>
#include <numbers>
#include <tapegrad/core/create.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

constexpr std::int64_t kLongest = 1 << 14;  // the transform is a product with a matrix of that size

/// Of x [..., n, 1 or 2] along its last but one axis, brought to `length`: [..., length or its half, 2].
Tensor transformed(const Call& c, Tensor x, std::int64_t length, bool inverse, bool one_sided) {
  if (length < 1 || length > kLongest) c.fail("a transform has at least 1 and at most 16384 elements");
  const std::int64_t parts = x.size(-1), n = x.size(-2);
  if (parts != 1 && parts != 2) c.fail("the last axis must have a real part, or a real and an imaginary one");
  if (n != length) x = pad(x, {{0, length - n}, {}});
  const std::int64_t count = one_sided ? length / 2 + 1 : length;
  Tensor cosines = empty({length, count}, f64), sines = empty({length, count}, f64);
  auto re = cosines.mutable_data<double>(), im = sines.mutable_data<double>();
  for (std::int64_t i = 0; i < length; ++i)
    for (std::int64_t k = 0; k < count; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(i * k % length) / static_cast<double>(length);
      re[static_cast<std::size_t>(i * count + k)] = std::cos(angle);
      im[static_cast<std::size_t>(i * count + k)] = inverse ? std::sin(angle) : -std::sin(angle);
    }
  const auto times = [&](const Tensor& v, const Tensor& m) { return matmul(cast(v, f64), m); };
  const Tensor real = select(x, -1, 0);
  Tensor y_re = times(real, cosines), y_im = times(real, sines);
  if (parts == 2) {
    const Tensor imaginary = select(x, -1, 1);
    y_re = y_re - times(imaginary, sines);
    y_im = y_im + times(imaginary, cosines);
  }
  const Tensor y = stack({y_re, y_im}, y_re.rank());
  return cast(inverse ? y / static_cast<double>(length) : y, x.dtype());
}

Tensor fourier(const Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t given = c.version() < 20 ? c.integer("axis", 1) : c.has(2) ? c.integer_in(2) : -2;
  const int axis = c.axis(given);
  if (axis == x.rank() - 1) c.fail("the axis is that of the parts");
  const Tensor moved = movedim(x, axis, x.rank() - 2);
  const std::int64_t length = c.has(1) ? c.integer_in(1) : x.shape()[axis];
  const Tensor y = transformed(c, moved, length, c.integer("inverse", 0) != 0, c.integer("onesided", 0) != 0);
  return movedim(y, y.rank() - 2, axis);
}

/// Of frames of the signal [batch, length, 1 or 2], each under a window: [batch, frames, frequencies, 2].
Tensor short_time_fourier(const Call& c) {
  const Tensor signal = c.in(0).rank() == 2 ? unsqueeze(c.in(0), 2) : c.in(0);
  const std::int64_t step = c.integer_in(1);
  const std::int64_t length = c.has(3) ? c.integer_in(3) : c.has(2) ? c.in(2).numel() : signal.size(1);
  if (step < 1 || length < 1 || length > signal.size(1)) c.fail("frame_step or frame_length does not fit the signal");
  std::vector<Tensor> frames;
  for (std::int64_t start = 0; start + length <= signal.size(1); start += step)
    frames.push_back(slice(signal, 1, start, start + length));
  Tensor x = stack(frames, 1);
  if (c.has(2)) x = x * reshape(c.in(2), {length, 1});
  return transformed(c, x, length, false, c.integer("onesided", 1) != 0);
}

/// a0 - a1 cos(2πi / n) + a2 cos(4πi / n).
Value cosine_window(const Call& c, double a0, double a1, double a2) {
  const auto type = static_cast<ElementType>(c.integer("output_datatype", 1));
  const std::int64_t size = c.integer_in(0);
  if (size < 0) c.fail("the size is negative");
  const double period = static_cast<double>(c.integer("periodic", 1) != 0 ? size : size - 1);
  const Tensor angle = arange(size, f64) * (2 * std::numbers::pi / period);
  return {cast(a0 - a1 * cos(angle) + a2 * cos(2 * angle), dtype_of(type)), type};
}
Value hann(const Call& c) { return cosine_window(c, 0.5, 0.5, 0); }
Value hamming(const Call& c) { return cosine_window(c, 25. / 46, 21. / 46, 0); }
Value blackman(const Call& c) { return cosine_window(c, 0.42, 0.5, 0.08); }

/// Triangles between frequencies that are evenly spaced on the mel scale: [frequencies, filters].
Value mel_weights(const Call& c) {
  const auto type = static_cast<ElementType>(c.integer("output_datatype", 1));
  const std::int64_t filters = c.integer_in(0), length = c.integer_in(1), rate = c.integer_in(2);
  if (filters < 1 || length < 1 || rate < 1 || filters > kLongest || length > (1 << 24))
    c.fail("a size is out of range");
  const auto mel = [](double f) { return 2595 * std::log10(1 + f / 700); };
  const double low = mel(c.in(3).item()), high = mel(c.in(4).item());
  std::vector<std::int64_t> edges;
  for (std::int64_t i = 0; i < filters + 2; ++i) {
    const double m = low + static_cast<double>(i) * (high - low) / static_cast<double>(filters + 2);
    const double f = 700 * (std::pow(10, m / 2595) - 1);
    edges.push_back(
        static_cast<std::int64_t>(std::floor(static_cast<double>(length + 1) * f / static_cast<double>(rate))));
  }
  const std::int64_t bins = length / 2 + 1;
  Tensor weights = zeros({bins, filters}, f64);
  auto w = weights.mutable_data<double>();
  const auto set = [&](std::int64_t bin, std::int64_t filter, double value) {
    if (bin >= 0 && bin < bins) w[static_cast<std::size_t>(bin * filters + filter)] = value;
  };
  for (std::int64_t i = 0; i < filters; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::int64_t left = edges[at], peak = edges[at + 1], right = edges[at + 2];
    const auto part = [](std::int64_t a, std::int64_t b) { return static_cast<double>(a) / static_cast<double>(b); };
    if (peak == left) set(peak, i, 1);
    for (std::int64_t j = left; peak > left && j <= peak; ++j) set(j, i, part(j - left, peak - left));
    for (std::int64_t j = peak; right > peak && j < right; ++j) set(j, i, part(right - j, right - peak));
  }
  return {cast(weights, dtype_of(type)), type};
}

constexpr Importer kImporters[] = {
    {"BlackmanWindow", blackman},     {"DFT", fourier},
    {"HammingWindow", hamming},       {"HannWindow", hann},
    {"MelWeightMatrix", mel_weights}, {"STFT", short_time_fourier},
};

}  // namespace

std::span<const Importer> signal_importers() { return kImporters; }

}  // namespace tapegrad::onnx
