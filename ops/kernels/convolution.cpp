#include <algorithm>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/kernels/convolution.hpp>
#include <tapegrad/ops/kernels/gemm.hpp>
#include <type_traits>
#include <vector>

#ifdef TAPEGRAD_HAS_ONEDNN
#include <tapegrad/ops/kernels/convolution_onednn.hpp>
#endif

namespace tapegrad::kernels {
namespace {

// Worth a second thread.
constexpr double kParallelFlops = 1 << 21;
// A weight's gradient is summed from this many parts of the batch.
constexpr std::int64_t kWeightParts = 16;

/// The part of one group in one sample, as products of matrices: y = w · columns.
template <class T>
class Products {
 public:
  explicit Products(const ConvGeometry& g)
      : g_(g),
        channels_(g.in_channels / g.groups),
        depth_(channels_ * g.windows.kernel_size()),
        rows_(g.out_channels / g.groups) {
    // Columns for so many lines at a time stay in the second-level cache.
    constexpr std::int64_t kElements = 1 << 16;
    lines_ = std::clamp<std::int64_t>(kElements / std::max<std::int64_t>(1, depth_ * g.windows.out[2]), 1,
                                      std::max<std::int64_t>(1, g.windows.lines()));
    columns_.resize(static_cast<std::size_t>(depth_ * lines_ * g.windows.out[2]));
  }

  void output(std::int64_t group, const T* x, const T* w, T* y) {
    for_tiles([&](std::int64_t first, std::int64_t last) {
      unfold(g_.windows, channels_, first, last, x + group * x_step(), columns_.data());
      gemm(weights(w, group), columns(first, last), T{0}, outputs(y, group, first, last));
    });
  }
  /// Adds to x.
  void input(std::int64_t group, const T* y, const T* w, T* x) {
    const MatrixView<const T> from = weights(w, group), turned{from.data, from.columns, from.rows, 1, from.row};
    for_tiles([&](std::int64_t first, std::int64_t last) {
      const MatrixView<const T> c = columns(first, last);
      gemm(turned, outputs(y, group, first, last), T{0}, {columns_.data(), c.rows, c.columns, c.row, 1});
      fold(g_.windows, channels_, first, last, columns_.data(), x + group * x_step());
    });
  }
  /// Adds to the weights of the group.
  void weight(std::int64_t group, const T* x, const T* y, RowSum<T>& w) {
    for_tiles([&](std::int64_t first, std::int64_t last) {
      unfold(g_.windows, channels_, first, last, x + group * x_step(), columns_.data());
      const MatrixView<const T> c = columns(first, last);
      gemm(outputs(y, group, first, last), {c.data, c.columns, c.rows, 1, c.row}, T{1},
           {w.next(), rows_, depth_, depth_, 1});
    });
  }

 private:
  template <class Body>
  void for_tiles(const Body& body) {
    for (std::int64_t first = 0; first < g_.windows.lines(); first += lines_)
      body(first, std::min(first + lines_, g_.windows.lines()));
  }
  std::int64_t x_step() const { return channels_ * g_.windows.in_size(); }
  MatrixView<const T> weights(const T* w, std::int64_t group) const {
    return {w + group * rows_ * depth_, rows_, depth_, depth_, 1};
  }
  MatrixView<const T> columns(std::int64_t first, std::int64_t last) const {
    const std::int64_t width = (last - first) * g_.windows.out[2];
    return {columns_.data(), depth_, width, width, 1};
  }
  template <class Y>
  MatrixView<Y> outputs(Y* y, std::int64_t group, std::int64_t first, std::int64_t last) const {
    const std::int64_t width = g_.windows.out[2], step = g_.windows.out_size();
    return {y + group * rows_ * step + first * width, rows_, (last - first) * width, step, 1};
  }

  const ConvGeometry& g_;
  std::int64_t channels_, depth_, rows_, lines_;
  std::vector<T> columns_;
};

/// Calls `body(products, sample, group)` for all of them.
template <class T, class Body>
void for_samples(const ConvGeometry& g, const Body& body) {
  for_chunks(g.batch, g.batch > 1 && g.flops() * static_cast<double>(g.batch) > kParallelFlops, [&](std::int64_t n) {
    Products<T> products(g);
    for (std::int64_t group = 0; group < g.groups; ++group) body(products, n, group);
  });
}

template <class T>
bool is_empty(const ConvGeometry& g) {
  return g.batch * g.y_size() == 0 || g.x_size() == 0 || g.weight_size() == 0;
}

}  // namespace

template <class T>
void convolution(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  const std::int64_t positions = g.windows.out_size();
  const bool empty = is_empty<T>(g);
#ifdef TAPEGRAD_HAS_ONEDNN
  if constexpr (std::is_same_v<T, float>)
    if (!empty && onednn::convolve(onednn::Wanted::y, g, x, w, bias, nullptr, y)) return;
#endif
  if (empty) std::fill_n(y, g.batch * g.y_size(), T{0});
  if (!empty)
    for_samples<T>(g, [&](Products<T>& products, std::int64_t n, std::int64_t group) {
      products.output(group, x + n * g.x_size(), w, y + n * g.y_size());
    });
  for (std::int64_t row = 0; bias && row < g.batch * g.out_channels; ++row)
    for (std::int64_t i = 0; i < positions; ++i) y[row * positions + i] += bias[row % g.out_channels];
}

template <class T>
void convolution_input(const ConvGeometry& g, const T* y, const T* w, T* x) {
  const bool empty = is_empty<T>(g);
#ifdef TAPEGRAD_HAS_ONEDNN
  if constexpr (std::is_same_v<T, float>)
    if (!empty && onednn::convolve(onednn::Wanted::x, g, nullptr, w, nullptr, y, x)) return;
#endif
  std::fill_n(x, g.batch * g.x_size(), T{0});
  if (empty) return;
  for_samples<T>(g, [&](Products<T>& products, std::int64_t n, std::int64_t group) {
    products.input(group, y + n * g.y_size(), w, x + n * g.x_size());
  });
}

template <class T>
void convolution_weight(const ConvGeometry& g, const T* x, const T* y, T* w) {
  const bool empty = is_empty<T>(g);
#ifdef TAPEGRAD_HAS_ONEDNN
  if constexpr (std::is_same_v<T, float>)
    if (!empty && onednn::convolve(onednn::Wanted::w, g, x, nullptr, nullptr, y, w)) return;
#endif
  std::fill_n(w, g.weight_size(), T{0});
  if (empty) return;
  const std::int64_t parts = std::min(kWeightParts, g.batch), size = g.weight_size();
  std::vector<T> partial(static_cast<std::size_t>((parts - 1) * size));
  for_chunks(parts, g.flops() * static_cast<double>(g.batch) > kParallelFlops, [&](std::int64_t p) {
    Products<T> products(g);
    T* to = p == 0 ? w : partial.data() + (p - 1) * size;
    for (std::int64_t group = 0; group < g.groups; ++group) {
      RowSum<T> sum(to + group * (size / g.groups), size / g.groups);
      for (std::int64_t n = g.batch * p / parts; n < g.batch * (p + 1) / parts; ++n)
        products.weight(group, x + n * g.x_size(), y + n * g.y_size(), sum);
      sum.finish();
    }
  });
  RowSum<T> sum(w, size);
  for (std::int64_t p = 1; p < parts; ++p) sum.add(partial.data() + (p - 1) * size);
  sum.finish();
}

template void convolution(const ConvGeometry&, const float*, const float*, const float*, float*);
template void convolution(const ConvGeometry&, const double*, const double*, const double*, double*);
template void convolution_input(const ConvGeometry&, const float*, const float*, float*);
template void convolution_input(const ConvGeometry&, const double*, const double*, double*);
template void convolution_weight(const ConvGeometry&, const float*, const float*, float*);
template void convolution_weight(const ConvGeometry&, const double*, const double*, double*);

}  // namespace tapegrad::kernels
