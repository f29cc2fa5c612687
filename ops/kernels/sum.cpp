#include <Eigen/Core>
#include <algorithm>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/ops/kernels/sum.hpp>

namespace tapegrad::kernels {
namespace {

constexpr std::int64_t kParallelElements = 1 << 17;

template <class T>
using Row = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;
template <class T>
using Out = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;

}  // namespace

template <class T>
T pairwise_sum(const T* x, std::int64_t n) {
  constexpr std::int64_t kRun = 2048;
  if (n <= kRun) return Row<T>(x, n).sum();
  const std::int64_t half = n / 2;
  return pairwise_sum(x, half) + pairwise_sum(x + half, n - half);
}

// A thread takes whole outer rows, or whole ranges of inner columns: the order of additions is fixed by the shape.
template <class T>
void sum(const Slab& s, const T* x, T* y) {
  const bool parallel = s.outer * s.count * s.inner >= kParallelElements;
  if (s.inner == 1) {
    const std::int64_t rows = std::max<std::int64_t>(1, kParallelElements / 8 / std::max<std::int64_t>(s.count, 1));
    for_chunks((s.outer + rows - 1) / rows, parallel, [&](std::int64_t c) {
      for (std::int64_t o = c * rows; o < std::min(s.outer, (c + 1) * rows); ++o)
        y[o] = pairwise_sum(x + o * s.count, s.count);
    });
    return;
  }
  constexpr std::int64_t kColumns = 256;
  const std::int64_t blocks = (s.inner + kColumns - 1) / kColumns;
  for_chunks(s.outer * blocks, parallel, [&](std::int64_t c) {
    const std::int64_t o = c / blocks, begin = c % blocks * kColumns, width = std::min(kColumns, s.inner - begin);
    Out<T> out(y + o * s.inner + begin, width);
    out.setZero();
    for (std::int64_t i = 0; i < s.count; ++i) out += Row<T>(x + (o * s.count + i) * s.inner + begin, width);
  });
}
template void sum(const Slab&, const float*, float*);
template void sum(const Slab&, const double*, double*);
template void sum(const Slab&, const std::int64_t*, std::int64_t*);
template void sum(const Slab&, const std::int32_t*, std::int32_t*);
template float pairwise_sum(const float*, std::int64_t);
template double pairwise_sum(const double*, std::int64_t);

}  // namespace tapegrad::kernels
