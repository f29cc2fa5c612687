#pragma once
// The families of exporters, a file each.

#include <span>
#include <tapegrad/interchange/internal/onnx_writer.hpp>

namespace tapegrad::onnx {

std::span<const Exporter> layer_exporters();
std::span<const Exporter> linear_map_exporters();
std::span<const Exporter> pointwise_exporters();
std::span<const Exporter> reduction_exporters();
std::span<const Exporter> refused_exporters();
std::span<const Exporter> sequence_exporters();
std::span<const Exporter> shape_exporters();

inline constexpr std::span<const Exporter> (*kExporters[])() = {
    layer_exporters,   linear_map_exporters, pointwise_exporters, reduction_exporters,
    refused_exporters, sequence_exporters,   shape_exporters};

}  // namespace tapegrad::onnx
