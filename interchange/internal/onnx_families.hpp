#pragma once
// The families of importers, a file each.

#include <span>
#include <tapegrad/interchange/internal/onnx_program.hpp>

namespace tapegrad::onnx {

std::span<const Importer> control_importers();
std::span<const Importer> indexing_importers();
std::span<const Importer> normalization_importers();
std::span<const Importer> pointwise_importers();
std::span<const Importer> product_importers();
std::span<const Importer> quantization_importers();
std::span<const Importer> recurrence_importers();
std::span<const Importer> reduction_importers();
std::span<const Importer> resampling_importers();
std::span<const Importer> sampling_importers();
std::span<const Importer> shape_importers();
std::span<const Importer> signal_importers();
std::span<const Importer> text_importers();
std::span<const Importer> training_importers();
std::span<const Importer> window_importers();

inline constexpr std::span<const Importer> (*kFamilies[])() = {
    control_importers,      indexing_importers,   normalization_importers, pointwise_importers,  product_importers,
    quantization_importers, recurrence_importers, reduction_importers,     resampling_importers, sampling_importers,
    shape_importers,        signal_importers,     text_importers,          training_importers,   window_importers};

}  // namespace tapegrad::onnx
