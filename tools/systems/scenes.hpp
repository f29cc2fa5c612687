#pragma once
// Scenes composed of small pictures: what `tapegrad train detect` learns from if no pictures are given.

#include <cstdint>
#include <span>
#include <tapegrad/data/detection.hpp>

namespace tapegrad::tools {

struct SceneOptions {
  std::int64_t count = 1, side = 160;  ///< scenes, and their height and width
  std::int64_t fewest = 2, most = 8;   ///< objects
  double least = 20, largest = 90;     ///< an object's longer side, in pixels
  double overlap = 0.4;                ///< most that two boxes share, of the smaller one's area
  std::uint64_t seed = 1;
};

/// Grey scenes of the pictures at `rows` of a set of light things on black, u8 [N, 1, H, W], each at a size, a place, a
/// brightness and a side of its own; behind them are patches of others of these pictures, a slope of grey and
/// noise. A thing's box is the smallest around what can be seen of it when it lies on top. Each scene follows from the
/// seed and its number alone.
data::ObjectPictures compose_scenes(const data::ImageDataset& things, std::span<const std::int64_t> rows,
                                    const std::vector<std::string>& classes, const SceneOptions& options);

}  // namespace tapegrad::tools
