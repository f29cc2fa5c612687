// Operations that ONNX has no words for, each with the reason.

#include <tapegrad/interchange/internal/onnx_exporters.hpp>

namespace tapegrad::onnx {
namespace {

constexpr std::string_view kDecomposition = "ONNX has no decomposition of matrices, and no equations",
                           kSpecial = "ONNX has no such special function", kScan = "it would be a Scan, step by step",
                           kExtreme = "ScatterElements has no max or min before opset 18";

constexpr Exporter kRefused[] = {
    {"atan2", "ONNX has the arc tangent of one number; a formula of it has other values at infinities and -0"},
    {"bessel_i", kSpecial},
    {"bessel_ie", kSpecial},
    {"cholesky", kDecomposition},
    {"cofactor", kDecomposition},
    {"cofactor_gradient", kDecomposition},
    {"copysign", "ONNX cannot read the sign of a NaN"},
    {"cummax_positions", kScan},
    {"cummin_positions", kScan},
    {"digamma", kSpecial},
    {"dropout", "it draws numbers; put the model into eval()"},
    {"eig", kDecomposition},
    {"eigh", kDecomposition},
    {"erfc", "1 - Erf loses its digits where it is small"},
    {"erfcx", kSpecial},
    {"erfinv", kSpecial},
    {"inverse", kDecomposition},
    {"lgamma", kSpecial},
    {"linear_scan", kScan},
    {"log_normal_cdf", kSpecial},
    {"logcumsumexp", kScan},
    {"lu", kDecomposition},
    {"matrix_exp", "ONNX has no functions of matrices"},
    {"normal_quantile", kSpecial},
    {"pinv", kDecomposition},
    {"polygamma", kSpecial},
    {"qr", kDecomposition},
    {"scatter_amax", kExtreme},
    {"scatter_amin", kExtreme},
    {"segment_max", kExtreme},
    {"slogdet", "ONNX has the determinant itself alone"},
    {"solve", kDecomposition},
    {"svd", kDecomposition},
    {"triangular_solve", kDecomposition},
};

}  // namespace

std::span<const Exporter> refused_exporters() { return kRefused; }

}  // namespace tapegrad::onnx
