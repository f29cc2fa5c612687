#pragma once
// The families of importers, a file each.

#include <span>
#include <tapegrad/interchange/internal/onnx_program.hpp>

namespace tapegrad::onnx {

std::span<const Importer> pointwise_importers();
std::span<const Importer> shape_importers();
std::span<const Importer> reduction_importers();

inline constexpr std::span<const Importer> (*kFamilies[])() = {pointwise_importers, shape_importers,
                                                               reduction_importers};

}  // namespace tapegrad::onnx
