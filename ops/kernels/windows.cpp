#include <algorithm>
#include <tapegrad/ops/kernels/windows.hpp>

namespace tapegrad::kernels {
namespace {

/// Calls `body(row, x_line)` for each row of the columns, `x_line(l)` being where the elements for output line l begin
/// in x, or null where they all lie outside.
template <class T, class Body>
void for_rows(const Windows& w, std::int64_t channels, T* x, const Body& body) {
  std::int64_t row = 0;
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t k0 = 0; k0 < w.kernel[0]; ++k0)
      for (std::int64_t k1 = 0; k1 < w.kernel[1]; ++k1)
        for (std::int64_t k2 = 0; k2 < w.kernel[2]; ++k2) {
          const auto line = [&, c, k0, k1](std::int64_t l) -> T* {
            const std::int64_t i0 = w.position(0, l / w.out[1], k0), i1 = w.position(1, l % w.out[1], k1);
            if (i0 < 0 || i0 >= w.in[0] || i1 < 0 || i1 >= w.in[1]) return nullptr;
            return x + ((c * w.in[0] + i0) * w.in[1] + i1) * w.in[2];
          };
          body(row++, k2, line);
        }
}

}  // namespace

Windows::Range Windows::inside(std::size_t axis, std::int64_t k) const {
  // The first o with o * stride >= bound, for either sign of the bound.
  const auto first = [&](std::int64_t bound) {
    const std::int64_t o = bound > 0 ? 1 + (bound - 1) / stride[axis] : 0;
    return std::min(o, out[axis]);
  };
  const std::int64_t offset = padding[axis] - k * dilation[axis];
  return {first(offset), first(in[axis] + offset)};
}

template <class T>
void unfold(const Windows& w, std::int64_t channels, std::int64_t first, std::int64_t last, const T* x, T* columns) {
  const std::int64_t width = w.out[2], step = w.stride[2];
  for_rows(w, channels, x, [&](std::int64_t row, std::int64_t k, const auto& line) {
    const auto [begin, end] = w.inside(2, k);
    T* to = columns + row * (last - first) * width;
    for (std::int64_t l = first; l < last; ++l, to += width) {
      const T* from = line(l);
      if (!from || begin >= end) {
        std::fill_n(to, width, T{0});
        continue;
      }
      std::fill_n(to, begin, T{0});
      const T* start = from + w.position(2, begin, k);
      if (step == 1)
        std::copy_n(start, end - begin, to + begin);
      else
        for (std::int64_t o = begin; o < end; ++o) to[o] = start[(o - begin) * step];
      std::fill_n(to + end, width - end, T{0});
    }
  });
}

template <class T>
void fold(const Windows& w, std::int64_t channels, std::int64_t first, std::int64_t last, const T* columns, T* x) {
  const std::int64_t width = w.out[2], step = w.stride[2];
  for_rows(w, channels, x, [&](std::int64_t row, std::int64_t k, const auto& line) {
    const auto [begin, end] = w.inside(2, k);
    const T* from = columns + row * (last - first) * width;
    for (std::int64_t l = first; l < last; ++l, from += width) {
      T* to = line(l);
      if (!to || begin >= end) continue;
      to += w.position(2, begin, k);
      if (step == 1)
        for (std::int64_t o = begin; o < end; ++o) to[o - begin] += from[o];
      else
        for (std::int64_t o = begin; o < end; ++o) to[(o - begin) * step] += from[o];
    }
  });
}

template void unfold(const Windows&, std::int64_t, std::int64_t, std::int64_t, const float*, float*);
template void unfold(const Windows&, std::int64_t, std::int64_t, std::int64_t, const double*, double*);
template void fold(const Windows&, std::int64_t, std::int64_t, std::int64_t, const float*, float*);
template void fold(const Windows&, std::int64_t, std::int64_t, std::int64_t, const double*, double*);

}  // namespace tapegrad::kernels
