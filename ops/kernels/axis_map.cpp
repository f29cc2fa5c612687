#include <algorithm>
#include <numeric>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/kernels/axis_map.hpp>

namespace tapegrad::kernels {

AxisMap AxisMap::transposed() const {
  std::vector<std::int64_t> rows(positions_.size()), order(positions_.size());
  for (std::int64_t o = 0; o < out(); ++o)
    for (std::int64_t t = begin_[static_cast<std::size_t>(o)]; t < begin_[static_cast<std::size_t>(o) + 1]; ++t)
      rows[static_cast<std::size_t>(t)] = o;
  std::iota(order.begin(), order.end(), 0);
  const auto position = [&](std::int64_t t) { return positions_[static_cast<std::size_t>(t)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return position(a) < position(b); });
  AxisMap turned(out());
  auto next = order.begin();
  for (std::int64_t i = 0; i < in_; ++i) {
    for (; next != order.end() && position(*next) == i; ++next)
      turned.add(rows[static_cast<std::size_t>(*next)], weights_[static_cast<std::size_t>(*next)]);
    turned.end_row();
  }
  return turned;
}

template <class T>
void AxisMap::apply(std::int64_t outer, std::int64_t inner, const T* x, T* y) const {
  constexpr std::int64_t kParallelElements = 1 << 16;
  const std::int64_t rows = out();
  const std::vector<T> weights(weights_.begin(), weights_.end());
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const T* from = x + b * in_ * inner;
      T* to = y + b * rows * inner;
      for (std::int64_t o = 0; o < rows; ++o, to += inner) {
        const auto first = static_cast<std::size_t>(begin_[static_cast<std::size_t>(o)]);
        const auto last = static_cast<std::size_t>(begin_[static_cast<std::size_t>(o) + 1]);
        if (inner == 1) {
          Total<T> sum = 0;
          for (std::size_t t = first; t < last; ++t) sum += weights[t] * from[positions_[t]];
          *to = static_cast<T>(sum);
          continue;
        }
        std::fill_n(to, inner, T{0});
        RowSum<T> sum(to, inner);
        for (std::size_t t = first; t < last; ++t) {
          const T* row = from + positions_[t] * inner;
          const T weight = weights[t];
          T* out = sum.next();
#pragma omp simd
          for (std::int64_t i = 0; i < inner; ++i) out[i] += weight * row[i];
        }
        sum.finish();
      }
    }
  };
  for_blocks(outer, rows_of(1 << 14, (in_ + rows) * inner), outer * (in_ + rows) * inner >= kParallelElements, run);
}

template <class T>
void apply_maps(std::int64_t outer, std::span<const AxisMap> maps, const T* x, T* y) {
  const auto product = [&](auto extent) {
    return std::accumulate(maps.begin(), maps.end(), std::int64_t{1},
                           [&](std::int64_t p, const AxisMap& m) { return p * extent(m); });
  };
  // The first axis first where the result is smaller, for it runs fastest and makes the least of the others; else last.
  const bool grows =
      product([](const AxisMap& m) { return m.out(); }) > product([](const AxisMap& m) { return m.in(); });
  std::vector<std::int64_t> extents;
  for (const AxisMap& m : maps) extents.push_back(m.in());
  std::vector<T> held, next;
  for (std::size_t done = 0; done < maps.size(); ++done) {
    const std::size_t axis = grows ? maps.size() - 1 - done : done;
    std::int64_t before = outer, inner = 1;
    for (std::size_t i = 0; i < maps.size(); ++i) (i < axis ? before : inner) *= i == axis ? 1 : extents[i];
    T* to = y;
    if (done + 1 < maps.size()) {
      next.resize(static_cast<std::size_t>(before * maps[axis].out() * inner));
      to = next.data();
    }
    maps[axis].apply(before, inner, x, to);
    extents[axis] = maps[axis].out();
    held.swap(next);
    x = held.data();
  }
}

template void apply_maps(std::int64_t, std::span<const AxisMap>, const float*, float*);
template void apply_maps(std::int64_t, std::span<const AxisMap>, const double*, double*);

}  // namespace tapegrad::kernels
