#pragma once
// Convolution by oneDNN, for kernels/convolution.cpp alone.

#include <tapegrad/ops/kernels/convolution.hpp>

namespace tapegrad::kernels::onednn {

enum class Wanted : std::uint8_t { y, x, w };

/// Computes `wanted` from the other two; `bias`, for y only, may be null. False, with nothing done, where oneDNN has
/// only its reference implementation for the geometry.
bool convolve(Wanted wanted, const ConvGeometry& g, const float* x, const float* w, const float* bias, const float* y,
              float* result);

}  // namespace tapegrad::kernels::onednn
