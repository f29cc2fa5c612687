#include <algorithm>
#include <bit>
#include <limits>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/kernels/max_pool.hpp>
#include <type_traits>

namespace tapegrad::kernels {
namespace {

constexpr std::int64_t kParallelElements = 1 << 16;
constexpr std::int64_t kLanes = 16;

template <class T>
T larger(T a, T b) {
  const T more = a > b ? a : b;  // one instruction, which keeps a NaN in b
  return a == a ? more : a;
}
/// Whether x is the largest of its window: all are compared with it in order, NaN being the largest.
template <class T>
bool is_largest(T x, T largest) {
  return (x == largest) | (x != x);
}

// The inner loops, as functions of plain pointers: what a lambda captures, the compiler gathers element by element.

/// m[i] = x[i * stride], or the larger of the two.
template <class T, class Stride>
void maxima_of(const T* x, Stride stride, bool is_first, std::int64_t n, T* m) {
  if (is_first) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) m[i] = x[i * stride];
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) m[i] = larger(x[i * stride], m[i]);
  }
}

/// dx[i * stride] += g[i] where x[i * stride] is the largest and none before it was; that g is used up.
template <class T, class Stride>
void give(const T* x, const T* largest, Stride stride, std::int64_t n, T* g, T* dx) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const bool hit = is_largest(x[i * stride], largest[i]);
    const T given = hit ? g[i] : T{0};
    dx[i * stride] += given;
    g[i] = hit ? T{0} : g[i];
  }
}

/// dm[i] += g[i] where m[i] is the largest and none before it was: `open` is 1 until then.
template <class T>
void give_rows(const T* m, const T* largest, const T* g, std::int64_t n, T* open, T* dm) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const bool hit = (open[i] != 0) & is_largest(m[i], largest[i]);
    const T given = hit ? g[i] : T{0};
    dm[i] += given;
    open[i] = hit ? T{0} : open[i];
  }
}

/// Calls `body(stride)` with the common strides as constants.
template <class Body>
void with_stride(std::int64_t stride, const Body& body) {
  if (stride == 1) return body(std::integral_constant<std::int64_t, 1>());
  if (stride == 2) return body(std::integral_constant<std::int64_t, 2>());
  if (stride == 3) return body(std::integral_constant<std::int64_t, 3>());
  body(stride);
}

/// The windows [begin, end) along a row that are alike: window o begins at first + (o - begin) * stride and has `count`
/// elements. Where windows divide rows evenly, all rows are as one long one.
struct AlikeWindows {
  explicit AlikeWindows(const AxisWindows& w) {
    const auto at = [](const std::vector<std::int64_t>& v, std::int64_t o) { return v[static_cast<std::size_t>(o)]; };
    for (std::int64_t o = 0; o < w.out(); ++o) count = std::max(count, at(w.count, o));
    while (begin < w.out() && at(w.count, begin) < count) ++begin;
    if (begin == w.out()) return;
    first = at(w.first, begin);
    // Windows that begin at one place are not alike: what runs as vectors must not meet.
    if (begin + 1 < w.out()) stride = std::max<std::int64_t>(1, at(w.first, begin + 1) - first);
    end = begin;
    while (end < w.out() && at(w.count, end) == count && at(w.first, end) == first + (end - begin) * stride) ++end;
    divide = begin == 0 && end == w.out() && first == 0 && stride * w.out() == w.in;
  }
  std::int64_t begin = 0, end = 0, first = 0, stride = 1, count = 0;
  bool divide = false;
};

/// One plane at a time: first along the rows, then across them, which keeps the order of elements in a window.
template <class T>
class Plane {
 public:
  explicit Plane(const PoolWindows& w) : w_(w), alike_(w[2]), width_(w[2].out()), rows_(w[0].in * w[1].in) {}

  std::int64_t width() const { return width_; }
  std::int64_t row_windows() const { return rows_ * width_; }
  /// A line's extent in whole vectors. Lines are short: what is left of one costs more than all the rest.
  std::int64_t lanes() const { return (width_ + kLanes - 1) / kLanes * kLanes; }
  /// Of row maxima and their gradients, whose last row too is read and written in whole vectors.
  std::size_t buffer_size() const { return static_cast<std::size_t>(row_windows() + kLanes); }

  /// m [in rows, width]: the largest of each window's part in each row.
  void row_maxima(const T* x, T* m) const {
    with_stride(alike_.stride, [&](auto stride) {
      for_alike([&](std::int64_t from, std::int64_t to, std::int64_t n, bool is_first) {
        maxima_of(x + from, stride, is_first, n, m + to);
      });
    });
    for_others(
        [&](const T* begin, std::int64_t count, std::int64_t to) {
          T best = *begin;
          for (std::int64_t k = 1; k < count; ++k) best = larger(begin[k * w_[2].step], best);
          m[to] = best;
        },
        x);
  }

  /// Calls `body(line of the output, row of the input, whether it is the first, the last of the line's rows)` in order.
  template <class Body>
  void for_lines(const Body& body) const {
    for (std::size_t a = 0; a < w_[0].first.size(); ++a)
      for (std::size_t b = 0; b < w_[1].first.size(); ++b) {
        const std::int64_t line = static_cast<std::int64_t>(a * w_[1].first.size() + b);
        const std::int64_t last = w_[0].count[a] * w_[1].count[b] - 1;
        std::int64_t n = 0;
        for (std::int64_t i = 0; i < w_[0].count[a]; ++i)
          for (std::int64_t j = 0; j < w_[1].count[b]; ++j, ++n)
            body(line, (w_[0].first[a] + i * w_[0].step) * w_[1].in + w_[1].first[b] + j * w_[1].step, n == 0,
                 n == last);
      }
  }

  /// y from the row maxima; `line` has lanes() elements.
  void maxima(const T* m, T* y, T* line) const {
    for_lines([&](std::int64_t l, std::int64_t row, bool is_first, bool is_last) {
      maxima_of(m + row * width_, std::integral_constant<std::int64_t, 1>(), is_first, lanes(), line);
      if (is_last) std::copy_n(line, width_, y + l * width_);
    });
  }

  /// gm [in rows, width]: g where a row has the first largest element; `lines` has room for three lines of lanes().
  void row_gradients(const T* m, const T* y, const T* g, T* gm, T* lines) const {
    T *open = lines, *largest = open + lanes(), *cotangent = largest + lanes();
    std::fill_n(gm, row_windows() + kLanes, T{0});
    std::fill_n(lines, 3 * lanes(), T{0});
    for_lines([&](std::int64_t l, std::int64_t row, bool is_first, bool) {
      if (is_first) {
        std::fill_n(open, width_, T{1});
        std::copy_n(y + l * width_, width_, largest);
        std::copy_n(g + l * width_, width_, cotangent);
      }
      give_rows(m + row * width_, largest, cotangent, lanes(), open, gm + row * width_);
    });
  }

  /// Adds gm to the first largest element of each window's part in each row; gm is used up.
  void element_gradients(const T* x, const T* m, T* gm, T* dx) const {
    with_stride(alike_.stride, [&](auto stride) {
      for_alike([&](std::int64_t from, std::int64_t to, std::int64_t n, bool) {
        give(x + from, m + to, stride, n, gm + to, dx + from);
      });
    });
    for_others(
        [&](const T* begin, std::int64_t, std::int64_t to) {
          const T* at = begin;
          while (!is_largest(*at, m[to])) at += w_[2].step;
          dx[at - x] += gm[to];
        },
        x);
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
  /// Calls `body(offset in x, offset in m, count, whether it is the windows' first element)` for runs of windows that
  /// are alike, once for each element of a window, in order.
  template <class Body>
  void for_alike(const Body& body) const {
    const std::int64_t runs = alike_.divide ? 1 : rows_;
    const std::int64_t n = alike_.divide ? row_windows() : alike_.end - alike_.begin;
    for (std::int64_t r = 0; r < runs; ++r)
      for (std::int64_t k = 0; k < alike_.count; ++k)
        body(r * w_[2].in + alike_.first + k * w_[2].step, r * width_ + alike_.begin, n, k == 0);
  }
  /// Calls `body(its first element, count, offset in m)` for each of the other windows.
  template <class Body>
  void for_others(const Body& body, const T* x) const {
    if (alike_.end - alike_.begin == width_) return;
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t o = 0; o < width_; ++o) {
        if (o == alike_.begin) o = alike_.end;
        if (o == width_) break;
        const auto i = static_cast<std::size_t>(o);
        body(x + r * w_[2].in + w_[2].first[i], w_[2].count[i], r * width_ + o);
      }
  }

  const PoolWindows& w_;
  AlikeWindows alike_;
  std::int64_t width_, rows_;
};

// ---- windows of 2 x 2 that adjoin, which most are: all four elements at once ----------------------------------------

/// y[i] = the largest of x[2 i] and its three neighbours in both rows.
template <class T>
void quad_maxima(const T* __restrict top, const T* __restrict below, std::int64_t n, T* __restrict y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i)
    y[i] = larger(below[2 * i + 1], larger(below[2 * i], larger(top[2 * i + 1], top[2 * i])));
}

/// g[i] goes to the first of the four that is the largest, 0 to the others. The choice is by bits: of a choice between
/// numbers g++ makes a jump, where it has no vectors.
template <class T>
void quad_gradients(const T* __restrict top, const T* __restrict below, const T* __restrict y, const T* __restrict g,
                    std::int64_t n, T* __restrict dtop, T* __restrict dbelow) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const T largest = y[i];
    const Bits first = is_largest(top[2 * i], largest) ? -1 : 0, second = is_largest(top[2 * i + 1], largest) ? -1 : 0,
               third = is_largest(below[2 * i], largest) ? -1 : 0;
    Bits left = std::bit_cast<Bits>(g[i]);
    dtop[2 * i] = std::bit_cast<T>(left & first);
    left &= ~first;
    dtop[2 * i + 1] = std::bit_cast<T>(left & second);
    left &= ~second;
    dbelow[2 * i] = std::bit_cast<T>(left & third);
    dbelow[2 * i + 1] = std::bit_cast<T>(left & ~third);
  }
}

bool are_pairs(const AxisWindows& w) {
  for (std::size_t o = 0; o < w.first.size(); ++o)
    if (w.first[o] != 2 * static_cast<std::int64_t>(o) || w.count[o] != 2) return false;
  return w.step == 1;
}
bool are_quads(const PoolWindows& w) { return w[0].in == 1 && are_pairs(w[1]) && are_pairs(w[2]); }

template <class T>
void plane_maxima(const PoolWindows& w, const T* x, T* y) {
  const std::int64_t columns = w[2].in, width = w[2].out();
  for (std::int64_t o = 0; o < w[1].out(); ++o) {
    const T* top = x + 2 * o * columns;
    quad_maxima(top, top + columns, width, y + o * width);
  }
}

template <class T>
void plane_gradients(const PoolWindows& w, const T* x, const T* y, const T* g, T* dx) {
  const std::int64_t columns = w[2].in, width = w[2].out();
  for (std::int64_t o = 0; o < w[1].out(); ++o) {
    const std::int64_t at = 2 * o * columns;
    quad_gradients(x + at, x + at + columns, y + o * width, g + o * width, width, dx + at, dx + at + columns);
    for (T* row : {dx + at, dx + at + columns}) std::fill(row + 2 * width, row + columns, T{0});
  }
  std::fill(dx + 2 * w[1].out() * columns, dx + w[1].in * columns, T{0});
}

// ---------------------------------------------------------------------------------------------------------------------

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
  for_blocks(planes, rows_of(1 << 15, sizes.in), planes * sizes.in >= kParallelElements, body);
}

}  // namespace

template <class T>
void max_pool(const PoolWindows& w, std::int64_t planes, const T* x, T* y) {
  const Sizes sizes(w);
  if (are_quads(w))
    return for_planes(w, planes, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t p = first; p < last; ++p) plane_maxima(w, x + p * sizes.in, y + p * sizes.out);
    });
  const Plane<T> plane(w);
  for_planes(w, planes, [&](std::int64_t first, std::int64_t last) {
    std::vector<T> m(plane.buffer_size()), line(static_cast<std::size_t>(plane.lanes()));
    for (std::int64_t p = first; p < last; ++p) {
      plane.row_maxima(x + p * sizes.in, m.data());
      plane.maxima(m.data(), y + p * sizes.out, line.data());
    }
  });
}

std::int64_t longest_chain(const PoolWindows& windows) {
  std::array<std::int64_t, 3> most{};
  for (std::size_t axis = 0; axis < windows.size(); ++axis) {
    const AxisWindows& w = windows[axis];
    std::vector<std::int64_t> covering(static_cast<std::size_t>(w.in));
    for (std::size_t o = 0; o < w.first.size(); ++o)
      for (std::int64_t k = 0; k < w.count[o]; ++k) ++covering[static_cast<std::size_t>(w.first[o] + k * w.step)];
    most[axis] = covering.empty() ? 0 : *std::max_element(covering.begin(), covering.end());
  }
  return most[0] * most[1] + most[2];  // across the rows, then along them
}

template <class T>
void max_pool_gradient(const PoolWindows& w, std::int64_t planes, const T* x, const T* y, const T* g, T* dx) {
  const Sizes sizes(w);
  if (are_quads(w) && sizes.out > 0)
    return for_planes(w, planes, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t p = first; p < last; ++p)
        plane_gradients(w, x + p * sizes.in, y + p * sizes.out, g + p * sizes.out, dx + p * sizes.in);
    });
  const Plane<T> plane(w);
  std::fill_n(dx, planes * sizes.in, T{0});
  for_planes(w, planes, [&](std::int64_t first, std::int64_t last) {
    std::vector<T> m(plane.buffer_size()), gm(m), lines(static_cast<std::size_t>(3 * plane.lanes()));
    for (std::int64_t p = first; p < last; ++p) {
      plane.row_maxima(x + p * sizes.in, m.data());
      plane.row_gradients(m.data(), y + p * sizes.out, g + p * sizes.out, gm.data(), lines.data());
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
