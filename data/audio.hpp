#pragma once
// Sound: WAV files, and what models hear of them.

#include <filesystem>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::data {

struct Audio {
  Tensor samples;         ///< f32 [channels, frames], in [-1, 1]
  std::int64_t rate = 0;  ///< frames a second

  /// The mean of the channels: f32 [frames].
  Tensor mono() const;
};

/// A WAV file: PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64. Throws IoError that says what is wrong with another:
/// no RIFF file, a codec, cut short.
Audio read_wav(const std::filesystem::path& path);

struct MelOptions {
  double window = 0.025, hop = 0.010;  ///< seconds
  std::int64_t bands = 40;
  double low = 20, high = 0;  ///< Hz; 0: half the rate
  double floor = 1e-10;       ///< energies below it count as this
};

/// Log-mel features, f32 [time, bands], of samples [frames]: the natural logarithm of the power spectrum of Hann
/// windows, summed in triangles that are evenly spaced on the mel scale 2595 log10(1 + f / 700). There is one time for
/// each whole window. ValueError for options that leave none, or a band without any frequency in it.
Tensor log_mel(const Tensor& samples, std::int64_t rate, const MelOptions& options = {});

}  // namespace tapegrad::data
