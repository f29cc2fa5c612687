// Every op in f32 against itself in f64 on samples enlarged until 10⁶ numbers meet in one: an error of at most
// 10⁻⁶ Σ|terms| in values and gradients. A sample is enlarged along every axis of every input that the op lets grow,
// alone or with others of the same extent, and every number in its attributes.

#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <optional>
#include <set>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/memory.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/registry.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <tapegrad/testing/gradient_check.hpp>

namespace tapegrad::tests {
namespace {

constexpr std::int64_t kElements = 1'000'000;
constexpr std::int64_t kSteps = 2'000;  // of recurrences, whose second derivatives take minutes beyond
constexpr double kBound = 1e-6;

/// An extent of an input, or a number in an attribute's text.
struct Place {
  std::size_t input;                  ///< or the attribute's
  int axis;                           ///< -1 for an attribute
  std::size_t begin = 0, length = 0;  ///< of the attribute's number in its text
  std::int64_t value;
};

/// What grows together, and whether indices that do not grow themselves count in the new extent: offsets do.
struct Growth {
  std::vector<Place> places;
  bool scales_indices = false;
};

bool is_index(const Tensor& t) { return t.dtype() == i64 || t.dtype() == i32; }

/// Each position along an axis `times` times.
Tensor repeated(const Tensor& x, int axis, std::int64_t times) {
  Tensor positions = empty({x.shape()[axis] * times}, i64);
  std::int64_t i = 0;
  for (std::int64_t& p : positions.mutable_data<std::int64_t>()) p = i++ / times;
  return take(x, positions, axis);
}

class Enlarged {
 public:
  Enlarged(const OpEntry& op, const Sample& sample, const Growth& growth, std::int64_t times)
      : op_(op), inputs_(sample.inputs), attributes_(sample.attributes) {
    const NoGrad unrecorded;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      Tensor& x = inputs_[i];
      if (!x.defined()) continue;
      bool grows = false;
      for (const Place& p : growth.places)
        if (p.axis >= 0 && p.input == i) x = repeated(x, p.axis, times), grows = true;
      if (!grows && growth.scales_indices && is_index(x)) x = cast(x * times, x.dtype());
      if (is_floating(x.dtype())) x = cast(cast(x, f32), f64);
    }
    for (const Place& p : growth.places)
      if (p.axis < 0) attributes_[p.input].second.replace(p.begin, p.length, std::to_string(p.value * times));
  }

  /// Inputs of a dtype, those that a gradient is taken for as parameters.
  std::vector<Tensor> inputs(DType dtype) const {
    std::vector<Tensor> all;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Tensor& x = inputs_[i];
      const bool floats = x.defined() && is_floating(x.dtype());
      const bool fixed = op_.record->fixed.has(static_cast<int>(i));
      all.push_back(!floats ? x : fixed ? cast(x, dtype) : parameter(cast(x, dtype)));
    }
    return all;
  }
  Tensor call(std::span<const Tensor> inputs) const { return testing::in_one(op_.call(inputs, attributes_)); }
  bool differentiable(const Tensor& y) const { return y.requires_grad() && is_floating(y.dtype()); }

  std::string describe() const {
    std::string text;
    for (const Tensor& x : inputs_) text += (text.empty() ? "" : ", ") + (x.defined() ? tapegrad::describe(x) : "none");
    for (const auto& [name, value] : attributes_) text += ", " + name + " = " + value;
    return text;
  }

 private:
  const OpEntry& op_;
  std::vector<Tensor> inputs_;
  NamedValues attributes_;
};

Tensor one_at(const Shape& shape, std::int64_t position) {
  Tensor one = zeros(shape, f64);
  one.mutable_data<double>()[static_cast<std::size_t>(position)] = 1;
  return one;
}

/// Σ |d y[position] / dx| |x|, which is Σ|terms| where y is linear in x.
double terms_of(const Tensor& y, std::int64_t position, std::span<const Tensor> x) {
  const Tensor outputs[] = {y}, seeds[] = {one_at(y.shape(), position)};
  double sum = 0;
  const auto slopes = grad(outputs, x, seeds, {.retain_graph = true});
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!slopes[i].defined()) continue;
    const auto d = slopes[i].to_dense().values(), v = x[i].values();
    for (std::size_t e = 0; e < d.size(); ++e) sum += std::abs(d[e] * v[e]);
  }
  return sum;
}

/// The worst of the elements, absolutely and relatively, if they are further apart than their own size allows.
std::vector<std::int64_t> suspects(const Tensor& got, const Tensor& wanted) {
  const std::vector<double> a = got.values(), b = wanted.values();
  std::int64_t absolute = -1, relative = -1;
  double furthest = 0, worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(b[i]) || !std::isfinite(a[i])) continue;  // beyond the range of f32, which is no fault of sums
    const double off = std::abs(a[i] - b[i]);
    if (off <= kBound * std::abs(b[i]) + 1e-37) continue;
    if (off > furthest) furthest = off, absolute = static_cast<std::int64_t>(i);
    if (off / (std::abs(b[i]) + 1e-300) > worst)
      worst = off / (std::abs(b[i]) + 1e-300), relative = static_cast<std::int64_t>(i);
  }
  if (absolute < 0) return {};
  if (absolute == relative) return {absolute};
  return {absolute, relative};
}

bool in_range_of_f32(const Tensor& y) {
  return std::ranges::all_of(y.values(), [](double v) { return std::abs(v) <= std::numeric_limits<float>::max(); });
}

class Summation : public ::testing::TestWithParam<const OpEntry*> {
 protected:
  static void SetUpTestSuite() { memory::set_limit(std::uint64_t{2} << 30); }

  const OpEntry& op() const { return *GetParam(); }

  std::vector<Place> places_of(const Sample& sample) const {
    std::vector<Place> all;
    for (std::size_t i = 0; i < sample.inputs.size(); ++i)
      for (int axis = 0; sample.inputs[i].defined() && axis < sample.inputs[i].rank(); ++axis)
        all.push_back({i, axis, 0, 0, sample.inputs[i].shape()[axis]});
    for (std::size_t a = 0; a < sample.attributes.size(); ++a) {
      const std::string& text = sample.attributes[a].second;
      for (std::size_t i = 0; i < text.size(); ++i) {
        std::size_t end = i;
        while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
        const bool whole = (i == 0 || text[i - 1] == ' ' || text[i - 1] == '[') &&
                           (end == text.size() || text[end] == ',' || text[end] == ']');
        if (end > i && end - i < 6 && whole && std::stoll(text.substr(i, end - i)) > 0)
          all.push_back({a, -1, i, end - i, std::stoll(text.substr(i, end - i))});
        i = std::max(i, end);
      }
    }
    return all;
  }

  std::optional<Tensor> tried(const Sample& sample, const Growth& growth, std::int64_t times) const try {
    const NoGrad unrecorded;
    const Enlarged small(op(), sample, growth, times);
    return small.call(small.inputs(f64));
  } catch (const Error&) {
    return std::nullopt;
  }

  /// The smallest sets of places that the op lets grow together: equal extents, at most one an input.
  std::vector<Growth> growths_of(const Sample& sample) const {
    const std::vector<Place> places = places_of(sample);
    std::vector<Growth> found;
    std::vector<std::uint32_t> accepted;
    if (places.size() > 12) return found;
    for (int size = 1; size <= 3; ++size)
      for (std::uint32_t set = 1; set < (1u << places.size()); ++set) {
        if (std::popcount(set) != size || std::ranges::any_of(accepted, [&](auto a) { return (a & set) == a; }))
          continue;
        Growth growth;
        for (std::size_t i = 0; i < places.size(); ++i)
          if (set >> i & 1u) growth.places.push_back(places[i]);
        bool fits = growth.places[0].value > 0;
        for (const Place& p : growth.places)
          for (const Place& q : growth.places)
            fits &= &p == &q || (p.value == q.value && !(p.axis >= 0 && q.axis >= 0 && p.input == q.input));
        for (const bool scales : {false, true}) {
          growth.scales_indices = scales;
          if (!fits || !tried(sample, growth, 1) || !tried(sample, growth, 3) || !tried(sample, growth, 7)) continue;
          found.push_back(growth);
          accepted.push_back(set);
          break;
        }
      }
    return found;
  }

  std::string kind_of(const Sample& sample, const Growth& growth) const {
    std::string kind = growth.scales_indices ? "indices too" : "";
    for (const Place& p : growth.places)
      kind += ", " + std::to_string(p.input) + ":" +
              std::to_string(p.axis < 0 ? p.axis : sample.inputs[p.input].rank() - p.axis);
    for (const auto& [name, value] : sample.attributes) kind += ", " + name + value;
    return kind;
  }

  /// How far it may grow.
  std::int64_t times_of(const Sample& sample, const Growth& growth) const {
    const Tensor one = *tried(sample, growth, 1), three = *tried(sample, growth, 3);
    std::int64_t largest = 1;
    for (const Place& p : growth.places)
      largest = std::max(largest, p.axis < 0 ? p.value : sample.inputs[p.input].numel());
    if (three.numel() > one.numel()) largest = std::max(largest, three.numel() / 3);
    const std::int64_t most = op().info().group == Group::recurrence ? kSteps : kElements;
    double times = static_cast<double>(most) / static_cast<double>(largest);
    // A result that grows along several axes at once.
    if (three.numel() > 3 * one.numel() && one.numel() > 0) {
      const double larger = static_cast<double>(three.numel()) / static_cast<double>(one.numel());
      const double axes = std::log(larger) / std::log(3.);
      times = std::min(times, std::pow(static_cast<double>(most) / static_cast<double>(one.numel()), 1 / axes));
    }
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(times));
  }

  /// Whether what grows is more than one of the inputs has: its gradient is a sum then.
  bool broadcasts(const Sample& sample, const Growth& growth) const {
    const NoGrad unrecorded;
    const Enlarged small(op(), sample, growth, 3);
    const std::vector<Tensor> x = small.inputs(f64);
    const std::int64_t grown = small.call(x).numel();
    return std::ranges::any_of(x, [&](const Tensor& t) { return t.numel() < grown; });
  }

  /// A sample that the op refuses once it is large is no wrong number: repeated rows make a matrix singular. One that
  /// does not fit into memory is made smaller until it does.
  void check(const Sample& sample, const Growth& growth) {
    for (std::int64_t times = times_of(sample, growth); times > 0; times /= 8) try {
        return check_enlarged(sample, growth, times);
      } catch (const MemoryError&) {
      } catch (const ValueError& refused) {
        EXPECT_EQ(op().info().group, Group::linear_algebra) << refused.what();
        return;
      }
  }

  void check_enlarged(const Sample& sample, const Growth& growth, std::int64_t times) {
    const Enlarged large(op(), sample, growth, times);
    SCOPED_TRACE(std::string(op().info().name) + " of " + large.describe());
    const std::vector<Tensor> x = large.inputs(f64), low = large.inputs(f32);
    const Tensor y = large.call(x), got = large.call(low);
    ASSERT_EQ(got.shape(), y.shape());
    std::vector<Tensor> wrt, low_wrt;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (x[i].defined() && x[i].requires_grad()) wrt.push_back(x[i]), low_wrt.push_back(low[i]);
    for (const std::int64_t e : suspects(got.detach(), y.detach())) {
      const double v = y.values()[static_cast<std::size_t>(e)];
      const double terms = std::abs(v) + (large.differentiable(y) ? terms_of(y, e, wrt) : 0);
      EXPECT_LE(std::abs(got.values()[static_cast<std::size_t>(e)] - v), kBound * terms)
          << "element " << e << " is " << v;
    }
    // Where states grow beyond the range of f32 from step to step, gradients cannot be right.
    if (!large.differentiable(y) || !in_range_of_f32(y)) return;
    Rng rng(3);
    const Tensor drawn = rand(y.shape(), 0.5, 1.5, f32, rng), g = cast(drawn, y.dtype());
    const Tensor outputs[] = {y}, low_outputs[] = {got}, seeds[] = {g}, low_seeds[] = {cast(drawn, got.dtype())};
    const auto wanted = grad(outputs, wrt, seeds), found = grad(low_outputs, low_wrt, low_seeds);
    for (std::size_t i = 0; i < wrt.size(); ++i) {
      if (!wanted[i].defined()) continue;
      const Tensor w = wanted[i].to_dense(), f = found[i].to_dense();
      // Ops without a bound for each element have one for the largest.
      const double largest = std::isinf(op().info().accuracy.ulps) && w.numel() > 0 ? max(abs(w)).item() : 0;
      for (const std::int64_t e : suspects(f, w)) {
        const double v = w.values()[static_cast<std::size_t>(e)];
        EXPECT_LE(std::abs(f.values()[static_cast<std::size_t>(e)] - v),
                  kBound * (std::abs(v) + largest + slope_terms(large, i, g, e)))
            << "gradient " << i << ", element " << e << " is " << v;
      }
    }
  }

  /// Σ|terms| of an element of the gradient for the input `input` of those that have one.
  double slope_terms(const Enlarged& large, std::size_t input, const Tensor& g, std::int64_t element) const {
    const std::vector<Tensor> x = large.inputs(f64);
    std::vector<Tensor> all;
    for (const Tensor& t : x)
      if (t.defined() && t.requires_grad()) all.push_back(t);
    const Tensor wrt[] = {all[input]}, seed = parameter(g.clone()), seeds[] = {seed}, outputs[] = {large.call(x)};
    all.push_back(seed);
    const Tensor slope = grad(outputs, wrt, seeds, {.create_graph = true})[0];
    return slope.requires_grad() ? terms_of(slope, element, all) : 0;
  }
};

TEST_P(Summation, StaysWithinTheBoundAtAMillionTerms) {
  Rng rng(5);
  int grown = 0;
  std::set<std::string> seen;  // one growth of a kind: the same places under the same attributes
  for (const Sample& sample : op().samples(rng))
    for (const Growth& growth : growths_of(sample)) {
      if (op().pointwise && (!broadcasts(sample, growth) || grown == 2)) continue;
      ++grown;
      if (seen.insert(kind_of(sample, growth)).second) check(sample, growth);
    }
  // A pointwise op of one input adds nothing.
  if (!op().pointwise || op().info().inputs.count > 1) {
    EXPECT_GT(grown, 0) << "no sample of " << op().info().name << " can be enlarged";
  }
}

std::vector<const OpEntry*> ops() { return {all_ops().begin(), all_ops().end()}; }

INSTANTIATE_TEST_SUITE_P(All, Summation, ::testing::ValuesIn(ops()),
                         [](const auto& one) { return std::string(one.param->info().name); });

}  // namespace
}  // namespace tapegrad::tests
