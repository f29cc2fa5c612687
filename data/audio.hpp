#pragma once
// Sound: WAV files, and what models hear of them.

#include <filesystem>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/data/loader.hpp>

namespace tapegrad::data {

/// Sound as samples.
struct Audio {
  Tensor samples;         ///< f32 [channels, frames], in [-1, 1]
  std::int64_t rate = 0;  ///< frames a second

  /// The mean of the channels: f32 [frames].
  Tensor mono() const;
};

/// A WAV file: PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64. Throws IoError that says what is wrong with another:
/// no RIFF file, a codec, cut short.
Audio read_wav(const std::filesystem::path& path);

/// Of log_mel().
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

namespace tapegrad::data::augment {

/// Of vary_features().
struct VaryFeaturesOptions {
  std::int64_t shift = 2;  ///< bands that voices move up or down by at most, as if throats were shorter or longer
  std::int64_t bands = 6, times = 12;  ///< most that a hidden stripe takes
  std::int64_t stripes = 2;            ///< of each kind
};
/// Features [B, time, bands] whose mean is 0, as of other voices, with stripes that become 0 (SpecAugment: Park et al.
/// 2019). ValueError for a negative option.
Transform vary_features(std::uint64_t seed, const VaryFeaturesOptions& options = {});

}  // namespace tapegrad::data::augment
