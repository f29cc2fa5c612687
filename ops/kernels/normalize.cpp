#include <cmath>
#include <limits>
#include <optional>
#include <tapegrad/core/internal/summation.hpp>
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

  static Standard left(const T* statistics) { return {statistics[0], statistics[1], statistics[2]}; }
  void leave(T* statistics) const { statistics[0] = mean, statistics[1] = rest, statistics[2] = scale; }

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

  /// A scale of 0, which says to compute it again.
  void leave(T* statistics) const { std::fill_n(statistics, kNormStatistics, T{0}); }

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

/// The same from what normalize() left, if it did.
template <class T, class Body>
void with_standard(const Members& m, const T* x, const NormTerms<T>& terms, const T* left, const Body& body) {
  if (left && left[2] > 0)
    body(Standard<T>::left(left));
  else
    with_standard(m, x, terms, body);
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

/// dx, and terms of the coefficients' gradients; each unless it is null.
template <class T, class S>
void differentiate_members(const Members& m, const S& standard, bool centered, const T* weight, const T* x, const T* g,
                           T* dx, RowSum<T>* weight_sum, RowSum<T>* bias_sum) {
  double sum = 0, product = 0;
  for (std::int64_t r = 0; r < m.repeats; ++r) {
    const T *from = x + r * m.step, *cotangent = g + r * m.step;
    T* const dw = weight_sum ? weight_sum->next() : nullptr;
    T* const db = bias_sum ? bias_sum->next() : nullptr;
    if (m.inner == 1) {
      if (dx && centered) sum += sum_terms<T>([](T c, T w) { return c * w; }, m.channels, cotangent, weight);
      if (dx)
        product +=
            sum_terms<T>([=](T c, T w, T f) { return c * w * standard(f); }, m.channels, cotangent, weight, from);
      if (dw) {
#pragma omp simd
        for (std::int64_t k = 0; k < m.channels; ++k) dw[k] += cotangent[k] * standard(from[k]);
      }
      if (db) {
#pragma omp simd
        for (std::int64_t k = 0; k < m.channels; ++k) db[k] += cotangent[k];
      }
      continue;
    }
    for (std::int64_t k = 0; k < m.channels; ++k, from += m.inner, cotangent += m.inner) {
      if (db || (dx && centered)) {
        const double of_channel = sum_terms<T>([](T c) { return c; }, m.inner, cotangent);
        sum += of_channel * weight[k];
        if (db) db[k] += static_cast<T>(of_channel);
      }
      if (dw || dx) {
        const double of_channel = sum_terms<T>([=](T c, T f) { return c * standard(f); }, m.inner, cotangent, from);
        product += of_channel * weight[k];
        if (dw) dw[k] += static_cast<T>(of_channel);
      }
    }
  }
  if (!dx) return;
  const T mean = centered ? static_cast<T>(sum / m.count()) : T{0}, slope = static_cast<T>(product / m.count());
  for_weighted_runs(m, weight, [=](std::int64_t begin, std::int64_t n, auto w) {
    const T *from = x + begin, *cotangent = g + begin;
    T* to = dx + begin;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) to[i] = standard.slope(cotangent[i] * w[i] - mean - standard(from[i]) * slope);
  });
}

/// The gradient of a coefficient, added up group by group in some parts of the samples.
template <class T>
class CoefficientSums {
 public:
  /// A `to` that is null is not wanted.
  CoefficientSums(const NormLayout& l, std::int64_t parts, T* to) : layout_(l), to_(to) {
    if (!to) return;
    std::fill_n(to, l.coefficients(), T{0});
    if (parts > 1) partial_.resize(static_cast<std::size_t>(parts * l.coefficients()));
    T* first = parts > 1 ? partial_.data() : to;
    for (std::int64_t i = 0; i < parts * l.groups; ++i) groups_.emplace_back(first + i * l.channels, l.channels);
  }
  RowSum<T>* of(std::int64_t part, std::int64_t group) {
    return to_ ? &groups_[static_cast<std::size_t>(part * layout_.groups + group)] : nullptr;
  }
  void finish() {
    for (RowSum<T>& group : groups_) group.finish();
    RowSum<T> whole(to_, layout_.coefficients());
    for (std::size_t at = 0; at < partial_.size(); at += static_cast<std::size_t>(layout_.coefficients()))
      whole.add(partial_.data() + at);
    whole.finish();
  }

 private:
  const NormLayout& layout_;
  T* to_;
  std::vector<T> partial_;
  std::vector<RowSum<T>> groups_;
};

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
void normalize(const NormLayout& l, const NormTerms<T>& terms, const T* x, T* y, T* statistics) {
  const Coefficients<T> weight(l, terms.weight, 1), bias(l, terms.bias, 0);
  for_groups<T>(l, x, nullptr, y, [&](std::int64_t i, const Members& m, const T* from, const T*, T* to) {
    with_standard(m, from, terms, [&](const auto& standard) {
      normalize_members(m, standard, weight.of(i), bias.of(i), from, to);
      if (statistics) standard.leave(statistics + i * kNormStatistics);
    });
  });
}

template <class T>
void normalize_gradients(const NormLayout& l, const NormTerms<T>& terms, const T* x, const T* statistics, const T* g,
                         const NormGradients<T>& d) {
  constexpr std::int64_t kParts = 16;
  const std::int64_t parts = std::min(kParts, l.outer), size = l.numel() / std::max<std::int64_t>(l.outer, 1);
  const Coefficients<T> weight(l, terms.weight, 1);
  CoefficientSums<T> dw(l, parts, d.weight), db(l, parts, d.bias);
  const auto differentiate = [&](const NormLayout& samples, std::int64_t first, std::int64_t part) {
    const std::int64_t begin = first * size;
    const T* left = statistics ? statistics + first * l.groups * kNormStatistics : nullptr;
    for_groups<T>(samples, x + begin, g + begin, d.x ? d.x + begin : nullptr,
                  [&](std::int64_t i, const Members& m, const T* from, const T* cotangent, T* to) {
                    with_standard(m, from, terms, left ? left + i * kNormStatistics : nullptr, [&](const auto& s) {
                      differentiate_members(m, s, terms.centered, weight.of(i), from, cotangent, to, dw.of(part, i),
                                            db.of(part, i));
                    });
                  });
  };
  if (!d.weight && !d.bias) return differentiate(l, 0, 0);
  const NormLayout one{1, l.repeats, l.groups, l.channels, l.inner};
  for_chunks(parts, parts > 1 && l.numel() >= kParallelElements, [&](std::int64_t p) {
    for (std::int64_t o = l.outer * p / parts; o < l.outer * (p + 1) / parts; ++o) differentiate(one, o, p);
  });
  dw.finish();
  db.finish();
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

template void normalize(const NormLayout&, const NormTerms<float>&, const float*, float*, float*);
template void normalize(const NormLayout&, const NormTerms<double>&, const double*, double*, double*);
template void normalize_gradients(const NormLayout&, const NormTerms<float>&, const float*, const float*, const float*,
                                  const NormGradients<float>&);
template void normalize_gradients(const NormLayout&, const NormTerms<double>&, const double*, const double*,
                                  const double*, const NormGradients<double>&);
template void moments(const NormLayout&, double, const float*, float*, float*);
template void moments(const NormLayout&, double, const double*, double*, double*);

}  // namespace tapegrad::kernels
