#pragma once
// PGM files, the plainest images there are: what other programs turn theirs into.

#include <filesystem>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::data {

/// A grey image of bytes in the binary form (P5): u8 [height, width]. Throws IoError that says what is wrong with
/// another file: its magic number, a range of grey that is not 255, too few bytes.
Tensor read_pgm(const std::filesystem::path& path);

}  // namespace tapegrad::data
