#include <algorithm>
#include <limits>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/kernels/max_pool.hpp>

namespace tapegrad::kernels {
namespace {

constexpr std::int64_t kParallelElements = 1 << 16;

template <class T>
T larger(T a, T b) {
  return ((a > b) | (a != a)) ? a : b;
}
/// Whether x is the largest of its window: all are compared with it in order, NaN being the largest.
template <class T>
bool is_largest(T x, T largest) {
  return (x == largest) | (x != x);
}

/// The distance of windows that follow each other without a gap or an overlap at the edges, in all rows as in one long
/// one; 0 where they do not.
std::int64_t even_stride(const AxisWindows& w) {
  const std::int64_t stride = w.out() > 0 ? w.in / w.out() : 0;
  if (stride == 0 || stride * w.out() != w.in) return 0;
  for (std::int64_t o = 0; o < w.out(); ++o)
    if (w.first[static_cast<std::size_t>(o)] != o * stride || w.count[static_cast<std::size_t>(o)] != w.count[0])
      return 0;
  return stride;
}

/// Calls `body(stride)` with the common strides as constants.
template <class Body>
void with_stride(std::int64_t stride, const Body& body) {
  if (stride == 1) return body(std::integral_constant<std::int64_t, 1>());
  if (stride == 2) return body(std::integral_constant<std::int64_t, 2>());
  if (stride == 3) return body(std::integral_constant<std::int64_t, 3>());
  body(stride);
}

/// One plane at a time: first along the rows, then across them, which keeps the order of elements in a window.
template <class T>
class Plane {
 public:
  explicit Plane(const PoolWindows& w)
      : w_(w), width_(w[2].out()), rows_(w[0].in * w[1].in), stride_(even_stride(w[2])) {}

  std::int64_t width() const { return width_; }
  std::int64_t row_windows() const { return rows_ * width_; }

  /// m [in rows, width]: the largest of each window's part in each row.
  void row_maxima(const T* x, T* m) const {
    const AxisWindows& w = w_[2];
    if (stride_ > 0) {
      with_stride(stride_, [&](auto stride) {
        const std::int64_t n = row_windows();
        for (std::int64_t k = 0; k < w.count[0]; ++k) {
          const T* from = x + k * w.step;
          if (k == 0) {
#pragma omp simd
            for (std::int64_t i = 0; i < n; ++i) m[i] = from[i * stride];
          } else {
#pragma omp simd
            for (std::int64_t i = 0; i < n; ++i) m[i] = larger(from[i * stride], m[i]);
          }
        }
      });
      return;
    }
    for (std::int64_t r = 0; r < rows_; ++r, x += w.in)
      for (std::size_t o = 0; o < static_cast<std::size_t>(width_); ++o) {
        const T* from = x + w.first[o];
        T best = *from;
        for (std::int64_t k = 1; k < w.count[o]; ++k) best = larger(from[k * w.step], best);
        *m++ = best;
      }
  }

  /// Calls `body(line of the output, row of the input)` for each row of each line's windows, in order.
  template <class Body>
  void for_lines(const Body& body) const {
    for (std::size_t a = 0; a < w_[0].first.size(); ++a)
      for (std::size_t b = 0; b < w_[1].first.size(); ++b) {
        const std::int64_t line = static_cast<std::int64_t>(a * w_[1].first.size() + b);
        for (std::int64_t i = 0; i < w_[0].count[a]; ++i)
          for (std::int64_t j = 0; j < w_[1].count[b]; ++j)
            body(line, (w_[0].first[a] + i * w_[0].step) * w_[1].in + w_[1].first[b] + j * w_[1].step, i + j == 0);
      }
  }

  void maxima(const T* m, T* y) const {
    for_lines([&](std::int64_t line, std::int64_t row, bool is_first) {
      const T* from = m + row * width_;
      T* to = y + line * width_;
      if (is_first) {
        std::copy_n(from, width_, to);
      } else {
#pragma omp simd
        for (std::int64_t o = 0; o < width_; ++o) to[o] = larger(from[o], to[o]);
      }
    });
  }

  /// gm [in rows, width]: g where a row has the first largest element; `open` has the extent of a line.
  void row_gradients(const T* m, const T* y, const T* g, T* gm, T* open) const {
    std::fill_n(gm, row_windows(), T{0});
    for_lines([&](std::int64_t line, std::int64_t row, bool is_first) {
      if (is_first) std::fill_n(open, width_, T{1});
      const T *from = m + row * width_, *largest = y + line * width_, *cotangent = g + line * width_;
      T* to = gm + row * width_;
#pragma omp simd
      for (std::int64_t o = 0; o < width_; ++o) {
        const bool hit = (open[o] != 0) & is_largest(from[o], largest[o]);
        to[o] += hit ? cotangent[o] : T{0};
        open[o] = hit ? T{0} : open[o];
      }
    });
  }

  /// Adds gm to the first largest element of each window's part in each row; gm is used up.
  void element_gradients(const T* x, const T* m, T* gm, T* dx) const {
    const AxisWindows& w = w_[2];
    if (stride_ > 0) {
      with_stride(stride_, [&](auto stride) {
        const std::int64_t n = row_windows();
        for (std::int64_t k = 0; k < w.count[0]; ++k) {
          const T* from = x + k * w.step;
          T* to = dx + k * w.step;
#pragma omp simd
          for (std::int64_t i = 0; i < n; ++i) {
            const bool hit = is_largest(from[i * stride], m[i]);
            to[i * stride] += hit ? gm[i] : T{0};
            gm[i] = hit ? T{0} : gm[i];
          }
        }
      });
      return;
    }
    for (std::int64_t r = 0; r < rows_; ++r, x += w.in, dx += w.in)
      for (std::size_t o = 0; o < static_cast<std::size_t>(width_); ++o, ++m, ++gm) {
        std::int64_t k = 0;
        while (!is_largest(x[w.first[o] + k * w.step], *m)) ++k;
        dx[w.first[o] + k * w.step] += *gm;
      }
  }

  /// Position of the first largest element of the window at (line, o).
  std::int64_t position(const T* x, T largest, std::int64_t line, std::size_t o) const {
    const auto a = static_cast<std::size_t>(line / w_[1].out()), b = static_cast<std::size_t>(line % w_[1].out());
    for (std::int64_t i = 0; i < w_[0].count[a]; ++i)
      for (std::int64_t j = 0; j < w_[1].count[b]; ++j)
        for (std::int64_t k = 0; k < w_[2].count[o]; ++k) {
          const std::int64_t row = (w_[0].first[a] + i * w_[0].step) * w_[1].in + w_[1].first[b] + j * w_[1].step;
          const std::int64_t at = row * w_[2].in + w_[2].first[o] + k * w_[2].step;
          if (is_largest(x[at], largest)) return at;
        }
    return 0;
  }

 private:
  const PoolWindows& w_;
  std::int64_t width_, rows_, stride_;
};

struct Sizes {
  explicit Sizes(const PoolWindows& w) {
    for (const AxisWindows& axis : w) {
      in *= axis.in;
      out *= axis.out();
    }
  }
  std::int64_t in = 1, out = 1;
};

/// Calls `body(first plane, last plane)` for parts that depend on the extents alone.
template <class Body>
void for_planes(const PoolWindows& w, std::int64_t planes, const Body& body) {
  const Sizes sizes(w);
  if (sizes.in == 0 || sizes.out == 0) return;
  const std::int64_t block = std::max<std::int64_t>(1, (1 << 15) / sizes.in);
  for_chunks((planes + block - 1) / block, planes * sizes.in >= kParallelElements,
             [&](std::int64_t c) { body(c * block, std::min(planes, (c + 1) * block)); });
}

}  // namespace

template <class T>
void max_pool(const PoolWindows& w, std::int64_t planes, const T* x, T* y) {
  const Sizes sizes(w);
  const Plane<T> plane(w);
  for_planes(w, planes, [&](std::int64_t first, std::int64_t last) {
    std::vector<T> m(static_cast<std::size_t>(plane.row_windows()));
    for (std::int64_t p = first; p < last; ++p) {
      plane.row_maxima(x + p * sizes.in, m.data());
      plane.maxima(m.data(), y + p * sizes.out);
    }
  });
}

template <class T>
void max_pool_gradient(const PoolWindows& w, std::int64_t planes, const T* x, const T* y, const T* g, T* dx) {
  const Sizes sizes(w);
  const Plane<T> plane(w);
  std::fill_n(dx, planes * sizes.in, T{0});
  for_planes(w, planes, [&](std::int64_t first, std::int64_t last) {
    const auto n = static_cast<std::size_t>(plane.row_windows());
    std::vector<T> m(n), gm(n), open(static_cast<std::size_t>(plane.width()));
    for (std::int64_t p = first; p < last; ++p) {
      plane.row_maxima(x + p * sizes.in, m.data());
      plane.row_gradients(m.data(), y + p * sizes.out, g + p * sizes.out, gm.data(), open.data());
      plane.element_gradients(x + p * sizes.in, m.data(), gm.data(), dx + p * sizes.in);
    }
  });
}

template <class T>
void max_pool_positions(const PoolWindows& w, std::int64_t planes, const T* x, const T* y, std::int64_t* positions) {
  const Sizes sizes(w);
  const Plane<T> plane(w);
  for_planes(w, planes, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t p = first; p < last; ++p)
      for (std::int64_t i = 0; i < sizes.out; ++i)
        positions[p * sizes.out + i] = plane.position(x + p * sizes.in, y[p * sizes.out + i], i / plane.width(),
                                                      static_cast<std::size_t>(i % plane.width()));
  });
}

template void max_pool(const PoolWindows&, std::int64_t, const float*, float*);
template void max_pool(const PoolWindows&, std::int64_t, const double*, double*);
template void max_pool_gradient(const PoolWindows&, std::int64_t, const float*, const float*, const float*, float*);
template void max_pool_gradient(const PoolWindows&, std::int64_t, const double*, const double*, const double*, double*);
template void max_pool_positions(const PoolWindows&, std::int64_t, const float*, const float*, std::int64_t*);
template void max_pool_positions(const PoolWindows&, std::int64_t, const double*, const double*, std::int64_t*);

}  // namespace tapegrad::kernels
