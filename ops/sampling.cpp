#include <algorithm>
#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/sampling.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

void require_probability(const char* op, double p) {
  if (!(p >= 0 && p <= 1))
    throw ValueError(std::string(op) + ": a probability of " + format_attribute(p) + "; expected one in [0, 1]");
}

}  // namespace

namespace ops {

struct Dropout : internal::Unary {
  static constexpr OpInfo info{.name = "dropout",
                               .formula = "y = x m / (1 - p), m = 0 with probability p, else 1",
                               .doc = "The mask is drawn from the seed and position, forward and backward alike.",
                               .group = Group::random,
                               .source = "Srivastava et al., Dropout, JMLR 15, 2014"};
  struct Attrs {
    double p = 0.5;
    std::int64_t seed = 0, position = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"p", &Attrs::p, "probability of 0"},
                        Field{"seed", &Attrs::seed, "of the random generator"},
                        Field{"position", &Attrs::position, "of the generator at the first element"}};
    }
  };
  static void check(const Attrs& a, const In&) { require_probability("dropout", a.p); }
  static Out shapes(const Attrs&, const In& in) { return {op::spec(in.x.shape(), in.x.dtype())}; }
  static void forward(const Attrs& a, const In& in, Out& out) {
    constexpr std::int64_t kBlock = 1024, kParallelElements = 1 << 15;
    const std::int64_t n = in.x.numel();
    // An element is dropped where its word is below this, which may be one past the largest.
    const std::int64_t threshold = std::llround(a.p * 0x1p32);
    if (threshold > 0xffffffff) return out.y.fill(0);
    const auto limit = static_cast<std::uint32_t>(threshold);
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      const T* from = in.x.data<T>().data();
      T* to = out.y.mutable_data<T>().data();
      for_blocks(n, kBlock, n >= kParallelElements, [&](std::int64_t begin, std::int64_t end) {
        std::uint32_t words[kBlock];
        const std::int64_t count = end - begin;
        random_words({static_cast<std::uint64_t>(a.seed),
                      static_cast<std::uint64_t>(a.position) + static_cast<std::uint64_t>(begin)},
                     {words, static_cast<std::size_t>(count)});
        const T scale = static_cast<T>(1 / (1 - a.p));
        for (std::int64_t i = 0; i < count; ++i) {
          const T kept = from[begin + i] * scale;
          to[begin + i] = words[i] < limit ? T{0} : kept;
        }
      });
    });
  }
  // Linear in x, with a diagonal matrix: its own adjoint.
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) { return {apply<Dropout>(a, {g.y}).y}; }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(1, in.x, {in.x, out.y}); }
  static std::vector<SampleOf<Dropout>> samples(Rng& rng) {
    return {{{randn({4, 3}, f64, rng)}, {0.5, 7, 0}}, {{transpose(randn({2, 3}, f64, rng))}, {0.25, 7, 13}},
            {{randn({}, f64, rng)}, {0.1, 1, 2}},     {{randn({3}, f64, rng)}, {1, 0, 0}},
            {{randn({3}, f64, rng)}, {0, 0, 0}},      {{randn({0, 3}, f64, rng)}, {0.5, 0, 0}}};
  }
  static std::vector<BadInputOf<Dropout>> bad_inputs() {
    return {{{zeros({2})}, {1.5, 0, 0}, "dropout: a probability of 1.5; expected one in [0, 1]"},
            {{zeros({2})}, {-0.5, 0, 0}, "a probability of -0.5"},
            {{zeros({2})}, {NAN, 0, 0}, "a probability of nan"}};
  }
};

using SamplingOps = OpList<Dropout>;

}  // namespace ops

Tensor dropout(const Tensor& x, double p, Rng& rng, bool training) {
  require_probability("dropout", p);
  if (!training || p == 0) return x;
  const Rng::State drawn = rng.take(static_cast<std::uint64_t>(x.numel()));
  return ops::SamplingOps::apply<ops::Dropout>(
             {p, static_cast<std::int64_t>(drawn.seed), static_cast<std::int64_t>(drawn.position)}, {x})
      .y;
}

Tensor bernoulli(const Tensor& probability, Rng& rng) {
  if (!is_floating(probability.dtype()))
    throw DTypeError("bernoulli: 'probability' is " + describe(probability) + "; f32 or f64 is expected");
  Tensor y = empty(probability.shape(), probability.dtype());
  const Tensor dense = probability.to_dense().contiguous();
  dispatch_floating(y.dtype(), [&]<class T>() {
    const auto p = dense.data<T>();
    for (const T one : p) require_probability("bernoulli", static_cast<double>(one));
    const auto to = y.mutable_data<T>();
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = rng.uniform() < static_cast<double>(p[i]) ? T{1} : T{0};
  });
  return y;
}

Tensor bernoulli(const Shape& shape, double probability, DType dtype, Rng& rng) {
  require_probability("bernoulli", probability);
  Tensor y = empty(shape, dtype);
  dispatch(dtype, [&]<class T>() {
    for (T& v : y.mutable_data<T>()) v = rng.uniform() < probability ? T{1} : T{0};
  });
  return y;
}

namespace {

// By inversion: the first class at which the running sum passes a uniform share of the total.
template <class T>
std::int64_t draw_class(std::span<const T> logits, double uniform) {
  const double top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double total = 0;
  for (const T logit : logits) total += std::exp(static_cast<double>(logit) - top);
  // A NaN anywhere, +inf, and nothing but -inf all end in a NaN.
  if (std::isnan(total))
    throw ValueError("categorical: a row of logits has no distribution: it holds NaN or +inf, or -inf alone");
  double left = uniform * total;
  std::int64_t possible = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp(static_cast<double>(logits[i]) - top);
    if (weight == 0) continue;
    possible = static_cast<std::int64_t>(i);
    if (left < weight) break;
    left -= weight;
  }
  return possible;  // the last one when rounding left a little over
}

}  // namespace

Tensor categorical(const Tensor& logits, Rng& rng) {
  if (!is_floating(logits.dtype()))
    throw DTypeError("categorical: 'logits' is " + describe(logits) + "; f32 or f64 is expected");
  if (logits.rank() == 0 || logits.shape()[-1] == 0)
    throw ShapeError("categorical: logits are " + to_string(logits.shape()) +
                     "; expected [..., classes] with one class or more");
  const Tensor dense = logits.to_dense().contiguous();
  const auto classes = static_cast<std::size_t>(logits.shape()[-1]);
  Tensor drawn = empty(logits.shape().erase(logits.rank() - 1), i64);
  dispatch_floating(logits.dtype(), [&]<class T>() {
    std::size_t row = 0;
    for (std::int64_t& d : drawn.mutable_data<std::int64_t>())
      d = draw_class(dense.data<T>().subspan(row++ * classes, classes), rng.uniform());
  });
  return drawn;
}

namespace {

/// How many of the weights are above 0.
template <class T>
std::int64_t count_possible(std::span<const T> weights) {
  std::int64_t possible = 0;
  for (const T w : weights) {
    if (!(w >= 0 && std::isfinite(w)))
      throw ValueError("multinomial: a weight of " + format_attribute(static_cast<double>(w)) +
                       "; weights must be zero or more, and finite");
    possible += w > 0;
  }
  if (possible == 0) throw ValueError("multinomial: a row of weights is all 0; one of them must be above 0");
  return possible;
}

template <class T>
void draw_again(std::span<const T> weights, Rng& rng, std::span<std::int64_t> drawn) {
  const double top = static_cast<double>(*std::max_element(weights.begin(), weights.end()));
  std::vector<double> sums;
  std::int64_t last = 0;  // that has a weight
  double total = 0;
  for (const T w : weights) {
    if (w > 0) last = static_cast<std::int64_t>(sums.size());
    sums.push_back(total += static_cast<double>(w) / top);
  }
  for (std::int64_t& d : drawn)
    d = std::min(last, std::upper_bound(sums.begin(), sums.end(), rng.uniform() * total) - sums.begin());
}

// Each class arrives at a random time, exponentially distributed with its weight as rate; the first ones are drawn
// (Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006).
template <class T>
void draw_once(std::span<const T> weights, Rng& rng, std::span<std::int64_t> drawn) {
  std::vector<std::pair<double, std::int64_t>> arrivals;  // logarithms of times
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double time = -std::log1p(-rng.uniform());
    if (weights[i] > 0)
      arrivals.emplace_back(std::log(time) - std::log(static_cast<double>(weights[i])), static_cast<std::int64_t>(i));
  }
  std::partial_sort(arrivals.begin(), arrivals.begin() + static_cast<std::ptrdiff_t>(drawn.size()), arrivals.end());
  for (std::size_t i = 0; i < drawn.size(); ++i) drawn[i] = arrivals[i].second;
}

}  // namespace

Tensor multinomial(const Tensor& weights, std::int64_t count, bool replacement, Rng& rng) {
  if (!is_floating(weights.dtype()))
    throw DTypeError("multinomial: 'weights' is " + describe(weights) + "; f32 or f64 is expected");
  if (weights.rank() == 0) throw ShapeError("multinomial: weights are a scalar; expected [..., classes]");
  if (count < 0) throw ValueError("multinomial: " + std::to_string(count) + " draws; it must be zero or more");
  const Tensor dense = weights.to_dense().contiguous();
  const auto classes = static_cast<std::size_t>(weights.shape()[-1]), draws = static_cast<std::size_t>(count);
  Tensor drawn = empty(weights.shape().with(-1, count), i64);
  if (drawn.numel() == 0) return drawn;
  const auto to = drawn.mutable_data<std::int64_t>();
  dispatch_floating(weights.dtype(), [&]<class T>() {
    for (std::size_t row = 0; row * draws < to.size(); ++row) {
      const auto from = dense.data<T>().subspan(row * classes, classes);
      const std::int64_t possible = count_possible(from);
      if (!replacement && possible < count)
        throw ValueError("multinomial: " + std::to_string(count) + " draws without replacement from a row with " +
                         std::to_string(possible) + " weights above 0; draw fewer");
      (replacement ? draw_again<T> : draw_once<T>)(from, rng, to.subspan(row * draws, draws));
    }
  });
  return drawn;
}

std::span<const OpEntry> sampling_ops() { return ops::SamplingOps::entries; }

}  // namespace tapegrad
