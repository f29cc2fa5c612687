// Discrete Fourier transforms of real numbers: spectra are pairs of real tensors.

#include <algorithm>
#include <cmath>
#include <complex>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/formula/gamma.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/view.hpp>
#include <vector>

namespace tapegrad {
namespace {

using Complex = std::complex<double>;

/// X[k] = Σ x[j] exp(-2πi jk / n) for one n, by its prime factors.
class Transform {
 public:
  explicit Transform(std::int64_t n) : n_(n) {
    for (std::int64_t k = 0; k < n; ++k) {
      const auto turn = formula::detail::of_half_turns(2 * static_cast<double>(k) / static_cast<double>(n));
      roots_.emplace_back(turn.cos, -turn.sin);
    }
    std::int64_t most = 1;
    for (std::int64_t rest = n; rest > 1; rest /= factor_of(rest)) most = std::max(most, factor_of(rest));
    terms_.resize(static_cast<std::size_t>(most));
  }

  void operator()(const Complex* x, Complex* y) { run(x, 1, y, n_); }

 private:
  static std::int64_t factor_of(std::int64_t n) {
    if (n % 2 == 0) return 2;
    for (std::int64_t p = 3; p * p <= n; p += 2)
      if (n % p == 0) return p;
    return n;
  }
  const Complex& root(std::int64_t k) const { return roots_[static_cast<std::size_t>(k % n_)]; }

  void run(const Complex* x, std::int64_t stride, Complex* y, std::int64_t n) {
    if (n == 1) {
      *y = *x;
      return;
    }
    const std::int64_t parts = factor_of(n), m = n / parts;
    for (std::int64_t r = 0; r < parts; ++r) run(x + r * stride, stride * parts, y + r * m, m);
    for (std::int64_t k = 0; k < m; ++k) {
      for (std::int64_t r = 0; r < parts; ++r)
        terms_[static_cast<std::size_t>(r)] = y[r * m + k] * root(r * k % n * (n_ / n));
      for (std::int64_t q = 0; q < parts; ++q) {
        Complex sum = terms_[0];
        for (std::int64_t r = 1; r < parts; ++r)
          sum += terms_[static_cast<std::size_t>(r)] * root(r * q % parts * (n_ / parts));
        y[q * m + k] = sum;
      }
    }
  }

  std::int64_t n_;
  std::vector<Complex> roots_, terms_;
};

std::int64_t bins_of(std::int64_t n) { return n / 2 + 1; }

/// How often each bin of a transform of n real numbers stands in the whole spectrum, once or twice, times `factor`.
Tensor multiplicity(std::int64_t n, double factor, DType dtype) {
  Tensor counts = full({bins_of(n)}, 2 * factor, f64);
  const auto c = counts.mutable_data<double>();
  c.front() = factor;
  if (n % 2 == 0) c.back() = factor;
  return cast(counts, dtype);
}

Cost transform_cost(const Tensor& x, std::int64_t n) {
  const auto count = static_cast<double>(x.numel());
  return {5 * count * std::log2(static_cast<double>(std::max<std::int64_t>(n, 2))),
          2 * count * static_cast<double>(size_of(x.dtype()))};
}

Tensor or_zeros(const Tensor& t, const Shape& shape, DType dtype) { return t.defined() ? t : zeros(shape, dtype); }

}  // namespace

namespace ops {

struct Rfft {
  struct In {
    Tensor x;
  };
  using Out = Spectrum;
  static constexpr OpInfo info{.name = "rfft",
                               .formula = "re + i im = Σ x[j] exp(-2πi jk / n)",
                               .doc = "Of real numbers along the last axis: the first n/2 + 1 frequencies.",
                               .forward = Forward::linear,
                               .group = Group::contraction,
                               .accuracy = {.normwise = true, .reason = "sums of terms of both signs"}};
  static void check(const In& in) {
    if (in.x.rank() == 0 || in.x.shape()[-1] == 0)
      throw ShapeError("rfft: x is " + to_string(in.x.shape()) + "; an axis of at least one element is expected");
  }
  static Out shapes(const In& in) {
    const Shape& shape = in.x.shape();
    const Shape bins = shape.with(shape.rank() - 1, bins_of(shape[-1]));
    return {op::spec(bins, in.x.dtype()), op::spec(bins, in.x.dtype())};
  }
  static void forward(const In& in, Out& out) {
    const std::int64_t n = in.x.shape()[-1], bins = bins_of(n), lanes = in.x.numel() / n;
    Transform transform(n);
    std::vector<Complex> x(static_cast<std::size_t>(n)), y(x.size());
    dispatch_floating(in.x.dtype(), [&]<class T>() {
      const T* from = in.x.data<T>().data();
      T* re = out.re.mutable_data<T>().data();
      T* im = out.im.mutable_data<T>().data();
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        for (std::int64_t j = 0; j < n; ++j) x[static_cast<std::size_t>(j)] = static_cast<double>(from[lane * n + j]);
        transform(x.data(), y.data());
        for (std::int64_t k = 0; k < bins; ++k) {
          re[lane * bins + k] = static_cast<T>(y[static_cast<std::size_t>(k)].real());
          im[lane * bins + k] = static_cast<T>(y[static_cast<std::size_t>(k)].imag());
        }
      }
    });
  }
  static In pull(const Out& g, op::Wanted<In> wanted) {
    const Shape& shape = wanted.shape(&In::x);
    const std::int64_t n = shape[-1];
    const DType dtype = wanted.dtype(&In::x);
    const Shape bins = shape.with(shape.rank() - 1, bins_of(n));
    // The adjoint sums over these bins alone, where the inverse does over the whole spectrum.
    const Tensor once = multiplicity(n, 1, dtype);
    const double count = static_cast<double>(n);
    return {irfft({or_zeros(g.re, bins, dtype) / once, or_zeros(g.im, bins, dtype) / once}, n) * count};
  }
  static Cost cost(const In& in, const Out&) { return transform_cost(in.x, in.x.shape()[-1]); }
  static std::vector<SampleOf<Rfft>> samples(Rng& rng) {
    return {{{randn({6}, f64, rng)}},
            {{randn({2, 7}, f64, rng)}},
            {{transpose(randn({4, 3}, f64, rng))}},
            {{randn({3, 1}, f64, rng)}},
            {{zeros({0, 4}, f64)}}};
  }
  static std::vector<BadInputOf<Rfft>> bad_inputs() {
    return {{{zeros({})}, {}, "rfft: x is []; an axis of at least one element is expected"},
            {{zeros({2, 0})}, {}, "rfft: x is [2, 0]"}};
  }
};

struct Irfft {
  using In = Spectrum;
  struct Out {
    Tensor x;
  };
  struct Attrs {
    std::int64_t n = -1;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"n", &Attrs::n, "how many numbers it is the spectrum of; -1: the even count"}};
    }
  };
  static constexpr OpInfo info{.name = "irfft",
                               .formula = "the x with rfft(x) = re + i im",
                               .doc = "Along the last axis. Where im can only be 0 it is not read.",
                               .forward = Forward::linear,
                               .group = Group::contraction,
                               .accuracy = {.normwise = true, .reason = "sums of terms of both signs"}};
  static std::int64_t length(const Attrs& a, const Shape& bins) { return a.n == -1 ? 2 * (bins[-1] - 1) : a.n; }
  static void check(const Attrs& a, const In& in) {
    if (in.re.shape() != in.im.shape() || in.re.rank() == 0 || in.re.dtype() != in.im.dtype())
      throw ShapeError("irfft: re is " + describe(in.re) + ", im " + describe(in.im) +
                       "; two of one shape [..., n/2 + 1] and dtype are expected");
    const std::int64_t n = length(a, in.re.shape());
    if (n < 1 || bins_of(n) != in.re.shape()[-1])
      throw ValueError("irfft: n is " + std::to_string(n) + ", whose spectrum does not have the " +
                       std::to_string(in.re.shape()[-1]) + " frequencies of re");
  }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape& shape = in.re.shape();
    return {op::spec(shape.with(shape.rank() - 1, length(a, shape)), in.re.dtype())};
  }
  static void forward(const Attrs& a, const In& in, Out& out) {
    const std::int64_t bins = in.re.shape()[-1], n = length(a, in.re.shape()), lanes = in.re.numel() / bins;
    Transform transform(n);
    std::vector<Complex> x(static_cast<std::size_t>(n)), y(x.size());
    dispatch_floating(in.re.dtype(), [&]<class T>() {
      const T* re = in.re.data<T>().data();
      const T* im = in.im.data<T>().data();
      T* to = out.x.mutable_data<T>().data();
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        // The conjugate's transform is the conjugate's inverse, but for the factor.
        for (std::int64_t k = 0; k < bins; ++k) {
          const double real = static_cast<double>(re[lane * bins + k]),
                       imaginary = static_cast<double>(im[lane * bins + k]);
          const bool alone = k == 0 || 2 * k == n;
          x[static_cast<std::size_t>(k)] = {real, alone ? 0 : -imaginary};
          if (!alone) x[static_cast<std::size_t>(n - k)] = {real, imaginary};
        }
        transform(x.data(), y.data());
        for (std::int64_t j = 0; j < n; ++j)
          to[lane * n + j] = static_cast<T>(y[static_cast<std::size_t>(j)].real() / static_cast<double>(n));
      }
    });
  }
  static In pull(const Attrs&, const Out& g, op::Wanted<In>) {
    const std::int64_t n = g.x.shape()[-1];
    const auto [re, im] = rfft(g.x);
    const Tensor counts = multiplicity(n, 1 / static_cast<double>(n), g.x.dtype());
    return {re * counts, im * counts};
  }
  static Cost cost(const Attrs&, const In&, const Out& out) { return transform_cost(out.x, out.x.shape()[-1]); }
  static std::vector<SampleOf<Irfft>> samples(Rng& rng) {
    return {{{randn({4}, f64, rng), randn({4}, f64, rng)}},
            {{randn({2, 4}, f64, rng), randn({2, 4}, f64, rng)}, {.n = 7}},
            {{transpose(randn({3, 2}, f64, rng)), randn({2, 3}, f64, rng)}},
            {{randn({2, 1}, f64, rng), randn({2, 1}, f64, rng)}, {.n = 1}},
            {{zeros({0, 3}, f64), zeros({0, 3}, f64)}}};
  }
  static std::vector<BadInputOf<Irfft>> bad_inputs() {
    return {{{zeros({3}), zeros({2})}, {}, "irfft: re is f32 [3], im f32 [2]; two of one shape"},
            {{zeros({}), zeros({})}, {}, "irfft: re is f32 []"},
            {{zeros({3}), zeros({3})}, {.n = 6}, "irfft: n is 6, whose spectrum does not have the 3 frequencies of re"},
            {{zeros({1}), zeros({1})}, {}, "irfft: n is 0"}};
  }
};

using FourierOps = OpList<Rfft, Irfft>;

}  // namespace ops

using ops::FourierOps;

namespace {

/// An axis moved to the end, or back.
Tensor swapped(const char* op, const Tensor& t, int axis) {
  if (t.rank() == 0) return t;
  const int from = normalized_axis(op, axis, t.rank());
  return from == t.rank() - 1 ? t : transpose(t, from, -1);
}

}  // namespace

Spectrum rfft(const Tensor& x, int axis) {
  const auto [re, im] = FourierOps::apply<ops::Rfft>({swapped("rfft", x, axis)});
  return {swapped("rfft", re, axis), swapped("rfft", im, axis)};
}

Tensor irfft(const Spectrum& spectrum, std::int64_t n, int axis) {
  const Tensor re = swapped("irfft", spectrum.re, axis), im = swapped("irfft", spectrum.im, axis);
  return swapped("irfft", FourierOps::apply<ops::Irfft>({n}, {re, im}).x, axis);
}

std::span<const OpEntry> fourier_ops() { return FourierOps::entries; }

}  // namespace tapegrad
