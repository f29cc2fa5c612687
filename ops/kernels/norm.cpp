#include <tapegrad/ops/kernels/norm.hpp>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

namespace tapegrad::kernels {
namespace {

template <class T>
using Row = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Whether sums of squares lost nothing to over- or underflow. Those of f32 never do.
bool in_range(double squares) { return squares > 1e-280 && squares < 1e300; }

template <class T>
double largest_of(const T* x, std::int64_t n) {
  return static_cast<double>(Row<T>(x, n).abs().template maxCoeff<Eigen::PropagateNaN>());
}

template <class T>
double norm_of(const T* row, std::int64_t n, double p) {
  if (n == 0) return 0;
  const auto x = Row<T>(row, n).template cast<double>().abs();
  if (p == 1) return x.sum();
  if (p == 2) {
    const double sum = x.square().sum();
    if (in_range(sum)) return std::sqrt(sum);
  }
  const double largest = largest_of(row, n);
  if (p == kInfinity || !(largest > 0 && largest < kInfinity)) return largest;
  if (p == 2) {
    const double scale = scale_to_one(largest);
    return std::sqrt((x * scale).square().sum()) / scale;
  }
  return largest * std::pow((x / largest).pow(p).sum(), 1 / p);
}

/// The second sum takes off what rounding left in the mean.
template <class Values>
double deviations_of(const Values& values) {
  const auto n = static_cast<double>(values.size());
  const double first = values[0], mean = first + (values - first).sum() / n;
  const double rest = (values - mean).sum();
  return (values - mean).square().sum() - rest * rest / n;
}

template <class T>
SquaredDeviations squared_deviations_of(const T* row, std::int64_t n) {
  if (n == 0) return {0};
  const auto values = Row<T>(row, n).template cast<double>();
  // Of equal elements the sum of rounded squares may fall below 0.
  const auto not_negative = [](double sum) { return sum < 0 ? 0 : sum; };
  const double sum = deviations_of(values);
  if (std::is_same_v<T, float> || in_range(sum)) return {not_negative(sum)};
  const double largest = largest_of(row, n);
  if (!(largest > 0 && largest < kInfinity)) return {sum};
  const double scale = scale_to_one(largest);
  return {not_negative(deviations_of(values * scale)), -std::ilogb(scale)};
}

template <class T>
double cosine_of(const T* a, const T* b, std::int64_t n, double epsilon) {
  const auto x = Row<T>(a, n).template cast<double>(), y = Row<T>(b, n).template cast<double>();
  const auto quotient = [](double product, double length_a, double length_b, double least_a, double least_b) {
    const double c = product / std::max(length_a, least_a) / std::max(length_b, least_b);
    return c > 1 ? 1 : c < -1 ? -1 : c;  // rounding alone leads beyond
  };
  const double squares_a = x.square().sum(), squares_b = y.square().sum();
  if (std::is_same_v<T, float> || (in_range(squares_a) && in_range(squares_b)))
    return quotient((x * y).sum(), std::sqrt(squares_a), std::sqrt(squares_b), epsilon, epsilon);
  const double scale_a = n > 0 ? scale_to_one(largest_of(a, n)) : 1,
               scale_b = n > 0 ? scale_to_one(largest_of(b, n)) : 1;
  const auto u = x * scale_a, v = y * scale_b;
  return quotient((u * v).sum(), std::sqrt(u.square().sum()), std::sqrt(v.square().sum()), epsilon * scale_a,
                  epsilon * scale_b);
}

}  // namespace

double norm(const float* x, std::int64_t n, double p) { return norm_of(x, n, p); }
double norm(const double* x, std::int64_t n, double p) { return norm_of(x, n, p); }

SquaredDeviations squared_deviations(const float* x, std::int64_t n) { return squared_deviations_of(x, n); }
SquaredDeviations squared_deviations(const double* x, std::int64_t n) { return squared_deviations_of(x, n); }

double cosine(const float* a, const float* b, std::int64_t n, double epsilon) { return cosine_of(a, b, n, epsilon); }
double cosine(const double* a, const double* b, std::int64_t n, double epsilon) { return cosine_of(a, b, n, epsilon); }

template <class T>
T scale_to_one(T size) {
  using Limits = std::numeric_limits<T>;
  if (!(size > 0 && size <= Limits::max())) return 1;
  return std::ldexp(T{1}, std::clamp(-std::ilogb(size), Limits::min_exponent - 1, Limits::max_exponent - 1));
}
template float scale_to_one(float);
template double scale_to_one(double);

}  // namespace tapegrad::kernels
