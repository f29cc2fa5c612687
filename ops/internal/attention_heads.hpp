#pragma once
// Attention over plain memory: some queries at a time, so that the weights of all are never there at once.

#include <algorithm>
#include <limits>
#include <tapegrad/core/internal/broadcast.hpp>
#include <tapegrad/core/internal/pooled.hpp>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/ops/internal/positions.hpp>
#include <tapegrad/ops/kernels/gemm.hpp>
#include <tapegrad/ops/kernels/softmax.hpp>

namespace tapegrad::internal {

/// The mask in the scores' shape, one row at a time.
class MaskRows {
 public:
  MaskRows(const Tensor& mask, const Shape& scores) {
    if (!mask.defined()) return;
    dense_ = mask.contiguous();
    const Strides steps = broadcast_strides(dense_.shape(), dense_.strides(), scores);
    const int last = scores.rank() - 1;
    rows_ = places_along(scores, steps, 0, last);
    step_ = steps[static_cast<std::size_t>(last)];
  }

  bool hides_some() const { return dense_.defined(); }
  /// Sets what row `row` does not see of its first `width` elements to -inf.
  template <class T>
  void hide(std::int64_t row, std::int64_t width, T* scores) const {
    const bool* seen = dense_.data<bool>().data() + rows_[static_cast<std::size_t>(row)];
    for (std::int64_t i = 0; i < width; ++i)
      scores[i] = seen[i * step_] ? scores[i] : -std::numeric_limits<T>::infinity();
  }

 private:
  std::int64_t step_ = 0;
  Tensor dense_;
  std::vector<std::int64_t> rows_;  // where the mask of each row begins
};

/// The matrices of all heads; a thread works on a head.
template <class T>
class AttentionHeads {
 public:
  using Matrix = kernels::MatrixView<T>;
  using Read = kernels::MatrixView<const T>;

  /// [..., L, E], [..., S, E] and [..., S, V]; a mask of bool or none.
  AttentionHeads(double scale, bool causal, const Tensor& query, const Tensor& key, const Tensor& value,
                 const Tensor& mask)
      : scale_(static_cast<T>(scale)),
        causal_(causal),
        queries_(query.shape()[-2]),
        keys_(key.shape()[-2]),
        width_(query.shape()[-1]),
        value_width_(value.shape()[-1]),
        query_(query),
        key_(key),
        value_(value),
        mask_(mask, query.shape().with(query.rank() - 1, key.shape()[-2])) {}

  void forward(T* y) const {
    if (keys_ == 0) return static_cast<void>(std::fill_n(y, query_.count() * queries_ * value_width_, T{0}));
    for_heads([&](std::int64_t h) {
      const Read q = query_.of(h), v = value_.of(h);
      const PooledVector<T> turned = across(key_.of(h));
      PooledVector<T> scores(static_cast<std::size_t>(kQueries * keys_));
      for_tiles([&](std::int64_t begin, std::int64_t end, std::int64_t seen) {
        const Matrix weights{scores.data(), end - begin, seen, seen, 1};
        weigh(h, begin, q, turned, weights);
        kernels::gemm(read(weights), v.some_rows(0, seen), T{0},
                      {y + (h * queries_ + begin) * value_width_, end - begin, value_width_, value_width_, 1});
      });
    });
  }

  /// Into dq, dk and dv, which are 0.
  void backward(const T* g, T* dq, T* dk, T* dv) const {
    for_heads([&](std::int64_t h) {
      const Read q = query_.of(h), k = key_.of(h);
      const PooledVector<T> turned_key = across(k), turned_value = across(value_.of(h));
      PooledVector<T> of_weights(static_cast<std::size_t>(kQueries * keys_)), back(of_weights.size()),
          of_scores(of_weights.size());
      RowSum<T> key_sums(dk + h * keys_ * width_, keys_ * width_);
      RowSum<T> value_sums(dv + h * keys_ * value_width_, keys_ * value_width_);
      for_tiles([&](std::int64_t begin, std::int64_t end, std::int64_t seen) {
        const std::int64_t n = end - begin;
        const Matrix weights{of_weights.data(), n, seen, seen, 1}, scores{of_scores.data(), n, seen, seen, 1};
        const Read cotangent{g + (h * queries_ + begin) * value_width_, n, value_width_, value_width_, 1};
        weigh(h, begin, q, turned_key, weights);
        kernels::gemm(cotangent, {turned_value.data(), value_width_, seen, keys_, 1}, T{0},
                      {back.data(), n, seen, seen, 1});
        kernels::gemm(read(weights).turned(), cotangent, T{1},
                      {value_sums.next(), seen, value_width_, value_width_, 1});
        kernels::softmax_gradient(Slab{n, seen, 1}, back.data(), weights.data, scores.data);
        scaled(scores.data, n * seen);
        kernels::gemm(read(scores), k.some_rows(0, seen), T{0},
                      {dq + (h * queries_ + begin) * width_, n, width_, width_, 1});
        kernels::gemm(read(scores).turned(), q.some_rows(begin, end), T{1}, {key_sums.next(), seen, width_, width_, 1});
      });
      key_sums.finish();
      value_sums.finish();
    });
  }

 private:
  // Queries at a time: their scores of a thousand keys stay in the second-level cache, and what causal ones do not see
  // is left out by so many.
  static constexpr std::int64_t kQueries = 64;

  /// A matrix of each head.
  class Matrices {
   public:
    explicit Matrices(const Tensor& t) : dense_(readable(t)) {
      const int rank = dense_.rank();
      const Strides s = dense_.strides();
      places_ = places_along(dense_.shape(), s, 0, rank - 2);
      first_ = {reinterpret_cast<const T*>(engine::node_of(dense_).data), dense_.shape()[-2], dense_.shape()[-1],
                s[static_cast<std::size_t>(rank - 2)], s[static_cast<std::size_t>(rank - 1)]};
    }
    std::int64_t count() const { return std::ssize(places_); }
    Read of(std::int64_t head) const {
      Read m = first_;
      m.data += places_[static_cast<std::size_t>(head)];
      return m;
    }

   private:
    static Tensor readable(const Tensor& t) {
      const Strides s = t.strides();
      const auto rank = static_cast<std::size_t>(t.rank());
      return s[rank - 1] == 1 && s[rank - 2] >= t.shape()[-1] ? t : t.contiguous();
    }
    Tensor dense_;
    std::vector<std::int64_t> places_;
    Read first_;
  };

  static Read read(const Matrix& m) { return {m.data, m.rows, m.columns, m.row, m.column}; }

  template <class Body>
  void for_heads(const Body& body) const {
    constexpr double kParallelFlops = 1 << 21;
    const double flops = 2.0 * static_cast<double>(query_.count() * queries_) * static_cast<double>(keys_) *
                         static_cast<double>(width_ + value_width_);
    for_chunks(query_.count(), flops > kParallelFlops, body);
  }
  /// Calls `body(first query, end, keys that they see)` for each tile.
  template <class Body>
  void for_tiles(const Body& body) const {
    for (std::int64_t begin = 0; begin < queries_; begin += kQueries) {
      const std::int64_t end = std::min(queries_, begin + kQueries);
      body(begin, end, causal_ ? std::min(keys_, end) : keys_);
    }
  }

  /// The matrix row by column, so that products with each tile read it as it lies.
  static PooledVector<T> across(const Read& m) {
    PooledVector<T> turned(static_cast<std::size_t>(m.rows * m.columns));
    constexpr std::int64_t kTile = 16;
    for (std::int64_t i = 0; i < m.rows; i += kTile)
      for (std::int64_t j = 0; j < m.columns; ++j)
        for (std::int64_t k = i; k < std::min(m.rows, i + kTile); ++k)
          turned[static_cast<std::size_t>(j * m.rows + k)] = m.data[k * m.row + j];
    return turned;
  }

  void scaled(T* scores, std::int64_t n) const {
    if (scale_ == T{1}) return;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) scores[i] *= scale_;
  }

  /// The weights of the queries from `begin` on.
  void weigh(std::int64_t head, std::int64_t begin, const Read& q, const PooledVector<T>& turned_key,
             const Matrix& weights) const {
    const std::int64_t seen = weights.columns;
    if (width_ == 0) std::fill_n(weights.data, weights.rows * seen, T{0});
    if (width_ > 0)
      kernels::gemm(q.some_rows(begin, begin + weights.rows), {turned_key.data(), width_, seen, keys_, 1}, T{0},
                    weights);
    scaled(weights.data, weights.rows * seen);
    for (std::int64_t i = 0; i < weights.rows; ++i) {
      T* row = weights.data + i * seen;
      if (causal_) std::fill(row + std::min(seen, begin + i + 1), row + seen, -std::numeric_limits<T>::infinity());
      if (mask_.hides_some()) mask_.hide(head * queries_ + begin + i, seen, row);
    }
    kernels::softmax(Slab{weights.rows, seen, 1}, weights.data, weights.data);
  }

  T scale_;
  bool causal_;
  std::int64_t queries_, keys_, width_, value_width_;
  Matrices query_, key_, value_;
  MaskRows mask_;
};

}  // namespace tapegrad::internal
