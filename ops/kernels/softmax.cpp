#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/op/formula/exponential.hpp>
#include <tapegrad/ops/kernels/in_order.hpp>
#include <tapegrad/ops/kernels/softmax.hpp>

namespace tapegrad::kernels {
namespace {

constexpr std::int64_t kTileElements = 2048;  // stay in the first-level cache through all passes
constexpr std::int64_t kTileLanes = 256;
constexpr std::int64_t kParallelElements = 1 << 16;

template <class T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();

template <class T>
using Row = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

/// x - max, where equal infinities differ by 0.
template <class T>
T below(T x, T max) {
  const T difference = x - max;
  return x == max ? T{0} : difference;
}

/// ln Σ exp(x - max) of a lane: of the sum, or of the sum without one member that is the largest, whose 1 would round
/// away what the others add. A lane of -inf alone sums to 0: its members stay at -inf.
template <class T>
T log_of(T sum, bool without_largest) {
  if (without_largest) return std::log1p(sum);
  return sum == 0 ? T{0} : std::log(sum);
}

/// The position of no member.
constexpr std::int64_t kNone = -1;

/// Some lanes of a slab, one thread's work: adjoining rows where the lanes are rows, else a range of columns.
template <class T>
class Tile {
 public:
  Tile(const Slab& s, std::int64_t base, std::int64_t lane, std::int64_t lanes)
      : base_(base), lane_(lane), lanes_(lanes), count_(s.count), inner_(s.inner) {}

  std::int64_t lane() const { return lane_; }
  std::int64_t lanes() const { return lanes_; }
  std::int64_t at(std::int64_t lane, std::int64_t i) const {
    return base_ + (rows() ? lane * count_ + i : i * inner_ + lane);
  }

  /// Calls `body(element, lane)` for each element; iterations must be independent.
  template <class Body>
  void each(const Body& body) const {
    const std::int64_t outer = rows() ? lanes_ : count_, inner = rows() ? count_ : lanes_;
    const std::int64_t step = rows() ? count_ : inner_;
    for (std::int64_t o = 0; o < outer; ++o) {
      const std::int64_t start = base_ + o * step;
      if (rows()) {
#pragma omp simd
        for (std::int64_t i = 0; i < inner; ++i) body(start + i, o);
      } else {
#pragma omp simd
        for (std::int64_t i = 0; i < inner; ++i) body(start + i, i);
      }
    }
  }

  /// The largest of each lane; 0 where all are -inf, so that they stay so when it is taken off.
  void maxima(const T* x, T* max) const {
    std::fill_n(max, lanes_, -kInfinity<T>);
    if (rows()) {
      for (std::int64_t r = 0; r < lanes_ && count_ > 0; ++r) max[r] = Row<T>(x + at(r, 0), count_).maxCoeff();
    } else {
      each([&](std::int64_t i, std::int64_t lane) { max[lane] = x[i] > max[lane] ? x[i] : max[lane]; });
    }
    for (std::int64_t l = 0; l < lanes_; ++l) max[l] = max[l] == -kInfinity<T> ? T{0} : max[l];
  }

  /// Where each lane has its largest first; kNone where all are -inf.
  void positions(const T* x, const T* max, std::int64_t* position) const {
    std::fill_n(position, lanes_, kNone);
    if (rows()) {
      for (std::int64_t r = 0; r < lanes_; ++r) {
        const T* row = x + at(r, 0);
        const std::int64_t found = std::find(row, row + count_, max[r]) - row;
        if (found < count_) position[r] = found;
      }
    } else {
      for (std::int64_t i = count_ - 1; i >= 0; --i)
        for (std::int64_t l = 0; l < lanes_; ++l) position[l] = x[at(l, i)] == max[l] ? i : position[l];
    }
  }

  /// Calls `body(lane, position)` for each member above `bound`, of lanes that have some.
  template <class Body>
  void members_above(const T* x, T bound, const Body& body) const {
    T max[kTileLanes];
    maxima(x, max);
    for (std::int64_t l = 0; l < lanes_; ++l) {
      if (!(max[l] > bound)) continue;
      for (std::int64_t i = 0; i < count_; ++i)
        if (x[at(l, i)] > bound) body(l, i);
    }
  }

  void subtract(const T* x, const T* max, T* y) const {
    each([&](std::int64_t i, std::int64_t lane) { y[i] = below(x[i], max[lane]); });
  }

  void exponentials(const T* x, T* y) const {
    if (rows() || lanes_ == inner_) {
      exponential_run(x + base_, lanes_ * count_, y + base_);
    } else {
      for (std::int64_t c = 0; c < count_; ++c) exponential_run(x + at(0, c), lanes_, y + at(0, c));
    }
  }

  void sums(const T* x, T* sum) const {
    Total<T> total[kTileLanes];
    std::fill_n(total, lanes_, Total<T>{0});
    add_sums(x, total);
    for (std::int64_t l = 0; l < lanes_; ++l) sum[l] = static_cast<T>(total[l]);
  }
  void add_sums(const T* x, Total<T>* total) const {
    if (rows()) {
      for (std::int64_t r = 0; r < lanes_; ++r) total[r] += sum_in_order(x + at(r, 0), count_);
      return;
    }
    T block[kTileLanes];
    for (std::int64_t begin = 0; begin < count_; begin += kChain) {
      std::fill_n(block, lanes_, T{0});
      part(begin, std::min(kChain, count_ - begin)).each([&](std::int64_t i, std::int64_t lane) {
        block[lane] += x[i];
      });
      for (std::int64_t l = 0; l < lanes_; ++l) total[l] += static_cast<Total<T>>(block[l]);
    }
  }

  /// sum = Σ exp(x - max) over all but one member, nothing else kept: a part of the lanes at a time goes through a
  /// buffer.
  void exponential_sums(const T* x, const T* max, const std::int64_t* without, T* sum) const {
    T buffer[kTileElements];
    Total<T> total[kTileLanes];
    std::fill_n(total, lanes_, Total<T>{0});
    const std::int64_t part = std::max<std::int64_t>(1, kTileElements / std::max<std::int64_t>(lanes_, 1));
    for (std::int64_t begin = 0; begin < count_; begin += part) {
      const std::int64_t length = std::min(part, count_ - begin);
      Tile held(*this);
      held.base_ = 0;
      held.count_ = length;
      held.inner_ = rows() ? 1 : lanes_;
      const std::int64_t skip = rows() ? count_ : inner_, kept = rows() ? length : lanes_;
      for (std::int64_t o = 0; o < (rows() ? lanes_ : length); ++o) {
        const T* from = x + (rows() ? base_ + begin : at(0, begin)) + o * skip;
#pragma omp simd
        for (std::int64_t i = 0; i < kept; ++i) buffer[o * kept + i] = below(from[i], max[rows() ? o : i]);
      }
      for (std::int64_t l = 0; l < lanes_; ++l)
        if (const std::int64_t i = without[l] - begin; without[l] != kNone && i >= 0 && i < length)
          buffer[rows() ? l * kept + i : i * kept + l] = -kInfinity<T>;
      held.exponentials(buffer, buffer);
      held.add_sums(buffer, total);
    }
    for (std::int64_t l = 0; l < lanes_; ++l) sum[l] = static_cast<T>(total[l]);
  }

 private:
  bool rows() const { return inner_ == 1; }
  /// Of columns, `count` elements from `begin` on.
  Tile part(std::int64_t begin, std::int64_t count) const {
    Tile tile(*this);
    tile.base_ = at(0, begin);
    tile.count_ = count;
    return tile;
  }

  static void exponential_run(const T* x, std::int64_t n, T* y) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) y[i] = formula::exp(x[i]);
  }

  std::int64_t base_, lane_, lanes_, count_, inner_;
};

/// Calls `body(tile)` for tiles that cover the slab; which they are depends on its shape alone.
template <class T, class Body>
void for_tiles(const Slab& s, const Body& body) {
  const bool parallel = s.numel() >= kParallelElements;
  if (s.inner == 1) {
    const std::int64_t rows = std::min(rows_of(kTileElements, s.count), kTileLanes);
    for_blocks(s.outer, rows, parallel,
               [&](std::int64_t first, std::int64_t last) { body(Tile<T>(s, first * s.count, first, last - first)); });
    return;
  }
  for_columns(s, kTileLanes, parallel, [&](std::int64_t o, std::int64_t begin, std::int64_t columns) {
    body(Tile<T>(s, o * s.count * s.inner + begin, o * s.inner + begin, columns));
  });
}

}  // namespace

template <class T>
void softmax(const Slab& s, const T* x, T* y) {
  for_tiles<T>(s, [&](const Tile<T>& tile) {
    T max[kTileLanes], share[kTileLanes];
    tile.maxima(x, max);
    tile.subtract(x, max, y);
    tile.exponentials(y, y);
    tile.sums(y, share);
    for (std::int64_t l = 0; l < tile.lanes(); ++l) share[l] = share[l] == 0 ? T{0} : 1 / share[l];
    tile.each([&](std::int64_t i, std::int64_t lane) { y[i] *= share[lane]; });
  });
}

template <class T>
void log_softmax(const Slab& s, const T* x, T* y) {
  for_tiles<T>(s, [&](const Tile<T>& tile) {
    T max[kTileLanes], sum[kTileLanes];
    std::int64_t largest[kTileLanes];
    tile.maxima(x, max);
    tile.positions(x, max, largest);
    tile.exponential_sums(x, max, largest, sum);
    for (std::int64_t l = 0; l < tile.lanes(); ++l) sum[l] = log_of(sum[l], largest[l] != kNone);
    tile.each([&](std::int64_t i, std::int64_t lane) { y[i] = below(x[i], max[lane]) - sum[lane]; });
  });
}

template <class T>
void logsumexp(const Slab& s, const T* x, T* y) {
  for_tiles<T>(s, [&](const Tile<T>& tile) {
    T max[kTileLanes], sum[kTileLanes];
    std::int64_t largest[kTileLanes];
    tile.maxima(x, max);
    tile.positions(x, max, largest);
    tile.exponential_sums(x, max, largest, sum);
    for (std::int64_t l = 0; l < tile.lanes(); ++l)
      y[tile.lane() + l] = max[l] + (largest[l] == kNone ? std::log(sum[l]) : std::log1p(sum[l]));
  });
}

template <class T>
void softmax_gradient(const Slab& s, const T* g, const T* y, T* dx) {
  for_tiles<T>(s, [&](const Tile<T>& tile) {
    T sum[kTileLanes];
    tile.each([&](std::int64_t i, std::int64_t) { dx[i] = g[i] * y[i]; });
    tile.sums(dx, sum);
    tile.each([&](std::int64_t i, std::int64_t lane) { dx[i] = y[i] * (g[i] - sum[lane]); });
    // Σ g y is all but g where the share is all but 1: the difference has no digits, that of each g has.
    tile.members_above(y, T{0.5}, [&](std::int64_t lane, std::int64_t large) {
      const std::int64_t at = tile.at(lane, large);
      T rest = 0;
      for (std::int64_t i = 0; i < s.count; ++i)
        if (i != large) rest += y[tile.at(lane, i)] * (g[at] - g[tile.at(lane, i)]);
      dx[at] = y[at] * rest;
    });
  });
}

template <class T>
void log_softmax_gradient(const Slab& s, const T* g, const T* y, T* dx) {
  for_tiles<T>(s, [&](const Tile<T>& tile) {
    T sum[kTileLanes];
    tile.sums(g, sum);
    tile.exponentials(y, dx);
    tile.each([&](std::int64_t i, std::int64_t lane) { dx[i] = g[i] - dx[i] * sum[lane]; });
    // g (1 - share) where that is small, and the others' part of the sum.
    tile.members_above(y, T(-0.7), [&](std::int64_t lane, std::int64_t large) {
      const std::int64_t at = tile.at(lane, large);
      T rest = 0;
      for (std::int64_t i = 0; i < s.count; ++i)
        if (i != large) rest += g[tile.at(lane, i)];
      dx[at] = -g[at] * std::expm1(y[at]) - std::exp(y[at]) * rest;
    });
  });
}

namespace {

/// The target of each lane where no class is likelier, else kNone: 1 less its share is then to have all digits.
template <class T>
void likely_targets(const Tile<T>& tile, const T* x, const T* max, const CrossEntropyTerms<T>& terms,
                    std::int64_t* likely) {
  for (std::int64_t l = 0; l < tile.lanes(); ++l) {
    const std::int64_t target = terms.targets[static_cast<std::size_t>(tile.lane() + l)];
    likely[l] = target != terms.ignored && x[tile.at(l, target)] == max[l] ? target : kNone;
  }
}

/// -weight ln share of a class; its logit may lie below the largest by more than the range.
template <class T>
Total<T> loss_of(T weight, T log_sum, T x, T max) {
  const T gap = below(x, max);
  const bool beyond = std::isinf(gap) && std::isfinite(x) && std::isfinite(max);
  return beyond ? Total<T>{weight} * max - Total<T>{weight} * x : weight * (log_sum - gap);
}

}  // namespace

template <class T, class L>
void cross_entropy(const Slab& s, const T* x, const CrossEntropyTerms<T>& terms, L* losses) {
  for_tiles<T>(s, [&](const Tile<T>& tile) {
    T max[kTileLanes], sum[kTileLanes];
    std::int64_t likely[kTileLanes];
    tile.maxima(x, max);
    likely_targets(tile, x, max, terms, likely);
    tile.exponential_sums(x, max, likely, sum);
    for (std::int64_t l = 0; l < tile.lanes(); ++l) {
      const std::int64_t target = terms.targets[static_cast<std::size_t>(tile.lane() + l)];
      if (target == terms.ignored) {
        losses[tile.lane() + l] = 0;
        continue;
      }
      const T log_sum = log_of(sum[l], likely[l] != kNone);
      Total<T> loss = loss_of(terms.own_weight(target), log_sum, x[tile.at(l, target)], max[l]);
      for (std::int64_t c = 0; terms.spread != 0 && c < s.count; ++c)
        if (const T weight = terms.spread_weight(c); weight != 0)
          loss += loss_of(weight, log_sum, x[tile.at(l, c)], max[l]);
      losses[tile.lane() + l] = static_cast<L>(loss);
    }
  });
}

template <class T>
void cross_entropy_gradient(const Slab& s, const T* x, const CrossEntropyTerms<T>& terms, const T* g,
                            std::int64_t g_step, T* dx) {
  const T spread = terms.total_spread(s.count);
  for_tiles<T>(s, [&](const Tile<T>& tile) {
    T max[kTileLanes], share[kTileLanes], others[kTileLanes];
    std::int64_t likely[kTileLanes];
    tile.maxima(x, max);
    likely_targets(tile, x, max, terms, likely);
    tile.subtract(x, max, dx);
    for (std::int64_t l = 0; l < tile.lanes(); ++l)
      if (likely[l] != kNone) dx[tile.at(l, likely[l])] = -kInfinity<T>;
    tile.exponentials(dx, dx);
    tile.sums(dx, others);
    for (std::int64_t l = 0; l < tile.lanes(); ++l) {
      share[l] = others[l] + (likely[l] == kNone ? 0 : 1);
      others[l] /= share[l];
    }
    const std::int64_t* targets = terms.targets.data() + tile.lane();
    const auto cotangent = [&](std::int64_t lane) { return g[(tile.lane() + lane) * g_step]; };
    for (std::int64_t l = 0; l < tile.lanes(); ++l)
      share[l] = targets[l] == terms.ignored || share[l] == 0
                     ? T{0}
                     : cotangent(l) * (terms.own_weight(targets[l]) + spread) / share[l];
    // A sample that does not count gets zeros even where its logits are NaN.
    tile.each([&](std::int64_t i, std::int64_t lane) {
      const T product = dx[i] * share[lane];
      dx[i] = share[lane] == 0 ? T{0} : product;
    });
    for (std::int64_t l = 0; l < tile.lanes(); ++l) {
      if (targets[l] == terms.ignored) continue;
      const std::int64_t target = tile.at(l, targets[l]);
      const T own = cotangent(l) * terms.own_weight(targets[l]);
      if (likely[l] == kNone || share[l] == 0)
        dx[target] -= own;
      else  // own (share - 1), and the part that smoothing has in it
        dx[target] = cotangent(l) * spread * (1 - others[l]) - own * others[l];
      for (std::int64_t c = 0; terms.spread != 0 && c < s.count; ++c)
        dx[tile.at(l, c)] -= cotangent(l) * terms.spread_weight(c);
    }
  });
}

template void softmax(const Slab&, const float*, float*);
template void softmax(const Slab&, const double*, double*);
template void log_softmax(const Slab&, const float*, float*);
template void log_softmax(const Slab&, const double*, double*);
template void logsumexp(const Slab&, const float*, float*);
template void logsumexp(const Slab&, const double*, double*);
template void softmax_gradient(const Slab&, const float*, const float*, float*);
template void softmax_gradient(const Slab&, const double*, const double*, double*);
template void log_softmax_gradient(const Slab&, const float*, const float*, float*);
template void log_softmax_gradient(const Slab&, const double*, const double*, double*);
template void cross_entropy(const Slab&, const float*, const CrossEntropyTerms<float>&, float*);
template void cross_entropy(const Slab&, const float*, const CrossEntropyTerms<float>&, double*);
template void cross_entropy(const Slab&, const double*, const CrossEntropyTerms<double>&, double*);
template void cross_entropy_gradient(const Slab&, const float*, const CrossEntropyTerms<float>&, const float*,
                                     std::int64_t, float*);
template void cross_entropy_gradient(const Slab&, const double*, const CrossEntropyTerms<double>&, const double*,
                                     std::int64_t, double*);

}  // namespace tapegrad::kernels
