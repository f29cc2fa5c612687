#pragma once
// PGM files, the plainest images there are: what other programs turn theirs into.

#include <filesystem>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::data {

/// A grey image in the binary form (P5) or as text (P2): u8 [height, width], where white, of at most 255 in the file,
/// is 255. Throws IoError that says what is wrong with another file: its magic number, pixels of two bytes or brighter
/// than white, too few bytes or too many.
Tensor read_pgm(const std::filesystem::path& path);

}  // namespace tapegrad::data
