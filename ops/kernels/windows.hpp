#pragma once
// Windows that move over up to three spatial axes, and their elements as columns of a matrix.

#include <array>
#include <cstdint>

namespace tapegrad::kernels {

inline constexpr int kSpatial = 3;
using Extents = std::array<std::int64_t, kSpatial>;

/// Window `o` of an axis covers o * stride - padding + k * dilation for k in [0, kernel). Axes that are not there come
/// first, with extent 1.
struct Windows {
  Extents in{1, 1, 1}, kernel{1, 1, 1}, out{1, 1, 1}, stride{1, 1, 1}, padding{0, 0, 0}, dilation{1, 1, 1};

  bool operator==(const Windows&) const = default;
  std::int64_t in_size() const { return in[0] * in[1] * in[2]; }
  std::int64_t kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
  std::int64_t out_size() const { return out[0] * out[1] * out[2]; }
  /// Runs of out[2] outputs that adjoin.
  std::int64_t lines() const { return out[0] * out[1]; }
  std::int64_t position(std::size_t axis, std::int64_t o, std::int64_t k) const {
    return o * stride[axis] - padding[axis] + k * dilation[axis];
  }
  /// The windows [begin, end) of an axis whose element k lies in the input.
  struct Range {
    std::int64_t begin, end;
  };
  Range inside(std::size_t axis, std::int64_t k) const;
};

/// columns [channels * kernel_size, (last - first) * out[2]]: what each window in the lines [first, last) covers of
/// x [channels, in…]; 0 outside.
template <class T>
void unfold(const Windows& windows, std::int64_t channels, std::int64_t first, std::int64_t last, const T* x,
            T* columns);
/// The adjoint: adds the columns to x.
template <class T>
void fold(const Windows& windows, std::int64_t channels, std::int64_t first, std::int64_t last, const T* columns, T* x);

}  // namespace tapegrad::kernels
