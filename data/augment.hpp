#pragma once
// Augmentations of images: what a loader does to its batches' first input, f32 or f64 [N, C, H, W]. Each image is
// changed by what its row, the epoch and the seed say, whatever batch it is in.

#include <tapegrad/data/loader.hpp>

namespace tapegrad::data::augment {

/// Left becomes right, with a probability.
Transform flip(std::uint64_t seed, double probability = 0.5);
/// Moves by up to `pixels` in each direction; what comes in is 0.
Transform shift(std::uint64_t seed, std::int64_t pixels);
/// Cuts out a random window of this size.
Transform crop(std::uint64_t seed, std::int64_t height, std::int64_t width);
/// Adds normal noise.
Transform noise(std::uint64_t seed, double deviation);
/// One after the other.
Transform sequence(std::vector<Transform> parts);

}  // namespace tapegrad::data::augment
