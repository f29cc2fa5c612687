#pragma once
// Tensors as pictures.

#include <filesystem>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::io {

/// Writes a PNG file, whole or not at all: u8 [height, width] in grey, or [height, width, 3] in red, green and blue,
/// each pixel `scale` pixels wide and high. Throws ShapeError or DTypeError for other tensors, IoError if it cannot be
/// written.
void save_png(const std::filesystem::path& path, const Tensor& pixels, std::int64_t scale = 1);

/// An image in grey with how much each pixel matters on top, for save_png(): u8 [height, width, 3]. Both are [height,
/// width], or [channels, height, width], of which the sums are taken. What speaks for the answer is orange,
/// what speaks against it blue; the largest magnitude is full colour.
Tensor heat_map(const Tensor& image, const Tensor& attribution);

}  // namespace tapegrad::io
