#include <cmath>
#include <limits>
#include <optional>
#include <tapegrad/core/summation.hpp>
#include <tapegrad/ops/kernels/lanes.hpp>
#include <tapegrad/ops/kernels/norm.hpp>
#include <tapegrad/ops/kernels/normalize.hpp>
#include <vector>

namespace tapegrad::kernels {
namespace {

constexpr std::int64_t kParallelElements = 1 << 16;

/// The elements that share a mean: element i of channel k in repeat r stands at r * step + k * inner + i.
struct Members {
  std::int64_t repeats, step, channels, inner;

  double count() const { return static_cast<double>(repeats * channels * inner); }
};

template <class T>
struct OwnEach {
  const T* values;
  T operator[](std::int64_t i) const { return values[i]; }
};
template <class T>
struct OneForAll {
  T value;
  T operator[](std::int64_t) const { return value; }
};

/// Calls `body(begin, length)` for runs of elements that adjoin.
template <class Body>
void for_runs(const Members& m, const Body& body) {
  for (std::int64_t r = 0; r < m.repeats; ++r) body(r * m.step, m.channels * m.inner);
}

/// Calls `body(begin, length, weight)` for runs whose weights are either all own or all one.
template <class T, class Body>
void for_weighted_runs(const Members& m, const T* weight, const Body& body) {
  for (std::int64_t r = 0; r < m.repeats; ++r) {
    if (m.inner == 1)
      body(r * m.step, m.channels, OwnEach<T>{weight});
    else
      for (std::int64_t k = 0; k < m.channels; ++k) body(r * m.step + k * m.inner, m.inner, OneForAll<T>{weight[k]});
  }
}

/// A mean and 1 / √(variance + eps). The mean has two parts, the first near every element, so that differences from it
/// keep their digits however far it is from 0.
template <class T>
struct Standard {
  T mean = 0, rest = 0, scale = 1;
  double variance = 0;

  T operator()(T x) const { return ((x - mean) - rest) * scale; }
  /// v times the slope of that.
  T slope(T v) const { return scale * v; }
  T whole_mean() const { return mean + rest; }
  /// The variance times `factor`.
  double variance_times(double factor) const { return variance * factor; }
};

template <class T>
Standard<T> standard_of(const Members& m, const T* x, double eps, bool centered) {
  Standard<T> s;
  const double count = m.count();
  if (centered) {
    double sum = 0;
    for_runs(m, [&](std::int64_t begin, std::int64_t n) { sum += sum_terms<T>([](T v) { return v; }, n, x + begin); });
    s.mean = static_cast<T>(sum / count);
  }
  double rest = 0, squares = 0;
  for_runs(m, [&, mean = s.mean](std::int64_t begin, std::int64_t n) {
    if (centered) rest += sum_terms<T>([=](T v) { return v - mean; }, n, x + begin);
    squares += sum_terms<T>([=](T v) { return (v - mean) * (v - mean); }, n, x + begin);
  });
  rest /= count;
  s.rest = static_cast<T>(rest);
  s.variance = squares / count - rest * rest;
  s.scale = static_cast<T>(1 / std::sqrt(s.variance + eps));
  return s;
}

/// The same for elements whose squares would leave the range: they are multiplied by a power of two first.
template <class T>
struct ScaledStandard {
  Standard<T> near_one;
  T factor;

  T operator()(T x) const { return near_one(x * factor); }
  T slope(T v) const { return near_one.slope(v) * factor; }
  T whole_mean() const { return near_one.whole_mean() / factor; }
  double variance_times(double f) const { return std::ldexp(near_one.variance_times(f), -2 * std::ilogb(factor)); }
};

template <class T>
ScaledStandard<T> scaled_standard_of(const Members& m, const T* x, double eps, bool centered) {
  T largest = 0;
  for_runs(m, [&](std::int64_t begin, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[begin + i]));
  });
  if (largest == 0) return {standard_of(m, x, eps, centered), 1};
  const T factor = scale_to_one(std::max(largest, static_cast<T>(std::sqrt(eps))));
  std::vector<T> near_one;
  near_one.reserve(static_cast<std::size_t>(m.repeats * m.channels * m.inner));
  for_runs(m, [&](std::int64_t begin, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) near_one.push_back(x[begin + i] * factor);
  });
  const std::int64_t count = std::ssize(near_one);
  const double by = static_cast<double>(factor);
  return {standard_of(Members{1, count, count, 1}, near_one.data(), eps * by * by, centered), factor};
}

/// Calls `body` with a Standard, or a ScaledStandard where squares left the range of T or may have.
template <class T, class Body>
void with_standard(const Members& m, const T* x, const NormTerms<T>& terms, const Body& body) {
  constexpr double kLeast = sizeof(T) == 4 ? 0x1p-80 : 0x1p-900;
  const Standard<T> standard = standard_of(m, x, terms.eps, terms.centered);
  if (standard.variance >= kLeast && standard.variance < std::numeric_limits<double>::infinity())
    body(standard);
  else
    body(scaled_standard_of(m, x, terms.eps, terms.centered));
}

template <class T, class S>
void normalize_members(const Members& m, const S& standard, const T* weight, const T* bias, const T* x, T* y) {
  for_weighted_runs(m, weight, [&](std::int64_t begin, std::int64_t n, auto w) {
    const T* from = x + begin;
    T* to = y + begin;
    if (m.inner == 1) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) to[i] = standard(from[i]) * w[i] + bias[i];
    } else {
      const T b = bias[begin % m.step / m.inner];
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) to[i] = standard(from[i]) * w[i] + b;
    }
  });
}

template <class T, class S>
void differentiate_members(const Members& m, const S& standard, bool centered, const T* weight, const T* x, const T* g,
                           T* dx) {
  double sum = 0, product = 0;
  for_weighted_runs(m, weight, [&](std::int64_t begin, std::int64_t n, auto w) {
    const T *from = x + begin, *cotangent = g + begin;
    if (centered) sum += sum_terms<T>([](T c, T v) { return c * v; }, n, cotangent, w);
    product += sum_terms<T>([=](T c, T v, T f) { return c * v * standard(f); }, n, cotangent, w, from);
  });
  const T mean = static_cast<T>(sum / m.count()), slope = static_cast<T>(product / m.count());
  for_weighted_runs(m, weight, [=](std::int64_t begin, std::int64_t n, auto w) {
    const T *from = x + begin, *cotangent = g + begin;
    T* to = dx + begin;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) to[i] = standard.slope(cotangent[i] * w[i] - mean - standard(from[i]) * slope);
  });
}

template <class T, class S>
void add_weight_gradient(const Members& m, const S& standard, const T* x, const T* g, RowSum<T>& sum) {
  for (std::int64_t r = 0; r < m.repeats; ++r) {
    const T *from = x + r * m.step, *cotangent = g + r * m.step;
    T* dw = sum.next();
    if (m.inner == 1) {
#pragma omp simd
      for (std::int64_t k = 0; k < m.channels; ++k) dw[k] += cotangent[k] * standard(from[k]);
    } else {
      for (std::int64_t k = 0; k < m.channels; ++k)
        dw[k] += static_cast<T>(sum_terms<T>([=](T c, T f) { return c * standard(f); }, m.inner,
                                             cotangent + k * m.inner, from + k * m.inner));
    }
  }
}

/// Calls `body(group, members, x, g, out)` for each (outer, group); `g` and `out` may be null. Where members are single
/// elements far apart, they are brought together first.
template <class T, class Body>
void for_groups(const NormLayout& l, const T* x, const T* g, T* out, const Body& body) {
  if (l.numel() == 0) return;
  if (l.repeats > 1 && l.channels * l.inner == 1) {
    for_lane_groups(Slab{l.outer, l.repeats, l.groups}, [&](const LaneGroup& lanes) {
      const LaneReader<T> in(lanes, x);
      std::optional<LaneReader<T>> cotangents;
      std::optional<LaneWriter<T>> results;
      if (g) cotangents.emplace(lanes, g);
      if (out) results.emplace(lanes, out);
      for (std::int64_t i = 0; i < lanes.lanes; ++i)
        body(lanes.first + i, Members{1, l.repeats, 1, l.repeats}, in[i], g ? (*cotangents)[i] : nullptr,
             out ? (*results)[i] : nullptr);
    });
    return;
  }
  const std::int64_t run = l.channels * l.inner, step = l.groups * run;
  const std::int64_t block = rows_of(1 << 14, l.repeats * run);
  for_blocks(l.outer * l.groups, block, l.numel() >= kParallelElements, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t begin = i / l.groups * l.repeats * step + i % l.groups * run;
      body(i, Members{l.repeats, step, l.channels, l.inner}, x + begin, g ? g + begin : nullptr,
           out ? out + begin : nullptr);
    }
  });
}

/// The coefficients of all channels, in memory where they were not given.
template <class T>
class Coefficients {
 public:
  Coefficients(const NormLayout& l, const T* given, T otherwise) : channels_(l.channels), groups_(l.groups) {
    if (!given) held_.assign(static_cast<std::size_t>(l.coefficients()), otherwise);
    values_ = given ? given : held_.data();
  }
  const T* of(std::int64_t index) const { return values_ + index % groups_ * channels_; }

 private:
  std::int64_t channels_, groups_;
  std::vector<T> held_;
  const T* values_;
};

}  // namespace

template <class T>
void normalize(const NormLayout& l, const NormTerms<T>& terms, const T* x, T* y) {
  const Coefficients<T> weight(l, terms.weight, 1), bias(l, terms.bias, 0);
  for_groups<T>(l, x, nullptr, y, [&](std::int64_t i, const Members& m, const T* from, const T*, T* to) {
    with_standard(m, from, terms,
                  [&](const auto& standard) { normalize_members(m, standard, weight.of(i), bias.of(i), from, to); });
  });
}

template <class T>
void normalize_gradient(const NormLayout& l, const NormTerms<T>& terms, const T* x, const T* g, T* dx) {
  const Coefficients<T> weight(l, terms.weight, 1);
  for_groups<T>(l, x, g, dx, [&](std::int64_t i, const Members& m, const T* from, const T* cotangent, T* to) {
    with_standard(m, from, terms, [&](const auto& standard) {
      differentiate_members(m, standard, terms.centered, weight.of(i), from, cotangent, to);
    });
  });
}

template <class T>
void normalize_weight_gradient(const NormLayout& l, const NormTerms<T>& terms, const T* x, const T* g, T* dw) {
  std::fill_n(dw, l.coefficients(), T{0});
  if (l.outer == 1) {
    for_groups<T>(l, x, g, nullptr, [&](std::int64_t i, const Members& m, const T* from, const T* cotangent, T*) {
      RowSum<T> sum(dw + i * l.channels, l.channels);
      with_standard(m, from, terms,
                    [&](const auto& standard) { add_weight_gradient(m, standard, from, cotangent, sum); });
      sum.finish();
    });
    return;
  }
  constexpr std::int64_t kParts = 16;
  const std::int64_t parts = std::min(kParts, l.outer), size = l.numel() / std::max<std::int64_t>(l.outer, 1);
  const NormLayout one{1, l.repeats, l.groups, l.channels, l.inner};
  std::vector<T> partial(static_cast<std::size_t>(parts * l.coefficients()));
  for_chunks(parts, l.numel() >= kParallelElements, [&](std::int64_t p) {
    std::vector<RowSum<T>> sums;
    for (std::int64_t i = 0; i < l.groups; ++i)
      sums.emplace_back(partial.data() + p * l.coefficients() + i * l.channels, l.channels);
    for (std::int64_t o = l.outer * p / parts; o < l.outer * (p + 1) / parts; ++o)
      for_groups<T>(one, x + o * size, g + o * size, nullptr,
                    [&](std::int64_t i, const Members& m, const T* from, const T* cotangent, T*) {
                      with_standard(m, from, terms, [&](const auto& standard) {
                        add_weight_gradient(m, standard, from, cotangent, sums[static_cast<std::size_t>(i)]);
                      });
                    });
    for (RowSum<T>& sum : sums) sum.finish();
  });
  RowSum<T> sum(dw, l.coefficients());
  for (std::int64_t p = 0; p < parts; ++p) sum.add(partial.data() + p * l.coefficients());
  sum.finish();
}

template <class T>
void moments(const NormLayout& l, double correction, const T* x, T* mean, T* variance) {
  const NormTerms<T> terms{nullptr, nullptr, 0, true};
  for_groups<T>(l, x, nullptr, nullptr, [&](std::int64_t i, const Members& m, const T* from, const T*, T*) {
    with_standard(m, from, terms, [&](const auto& standard) {
      mean[i] = standard.whole_mean();
      variance[i] = static_cast<T>(standard.variance_times(m.count() / (m.count() - correction)));
    });
  });
}

template void normalize(const NormLayout&, const NormTerms<float>&, const float*, float*);
template void normalize(const NormLayout&, const NormTerms<double>&, const double*, double*);
template void normalize_gradient(const NormLayout&, const NormTerms<float>&, const float*, const float*, float*);
template void normalize_gradient(const NormLayout&, const NormTerms<double>&, const double*, const double*, double*);
template void normalize_weight_gradient(const NormLayout&, const NormTerms<float>&, const float*, const float*, float*);
template void normalize_weight_gradient(const NormLayout&, const NormTerms<double>&, const double*, const double*,
                                        double*);
template void moments(const NormLayout&, double, const float*, float*, float*);
template void moments(const NormLayout&, double, const double*, double*, double*);

}  // namespace tapegrad::kernels
