#include <algorithm>
#include <tapegrad/interchange/internal/onnx_exporters.hpp>

namespace tapegrad::onnx {

const Exporter* find_exporter(std::string_view op) {
  for (const auto family : kExporters) {
    const std::span<const Exporter> exporters = family();
    if (const auto found = std::ranges::find(exporters, op, &Exporter::op); found != exporters.end()) return &*found;
  }
  return nullptr;
}

}  // namespace tapegrad::onnx
