#include <tapegrad/nn/pooling.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>

namespace tapegrad::nn {

Tensor GlobalAveragePooling1D::forward(const Tensor& x) const {
  if (x.rank() != 3)
    throw ShapeError(fmt::format("{}: input {}, expected [B, L, D]; ragged sequences [T, D] need offsets", describe(),
                                 to_string(x.shape())));
  return mean(x, {1});
}

Tensor GlobalAveragePooling1D::forward(const Tensor& x, const Tensor& mask_or_offsets) const {
  const Shape& s = x.shape();
  const Tensor& m = mask_or_offsets;
  if (m.dtype() == boolean) {
    if (s.rank() != 3 || m.shape() != Shape{s[0], s[1]})
      throw ShapeError(fmt::format("{}: input {} and mask {}, expected [B, L, D] and [B, L]", describe(), to_string(s),
                                   to_string(m.shape())));
    return masked_mean(x, m);
  }
  if (s.rank() != 2 || m.rank() != 1)
    throw ShapeError(fmt::format("{}: input {} and offsets {}, expected [T, D] and [B + 1]", describe(), to_string(s),
                                 to_string(m.shape())));
  return segment_mean(x, m);
}

}  // namespace tapegrad::nn
