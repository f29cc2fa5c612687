#include <tapegrad/testing/internal/diagnosis.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace tapegrad::testing::internal {
namespace {

using Numbers = std::vector<double>;

// A ratio shows itself in more than one element only.
constexpr std::size_t kFewestElements = 2;
// Factors that people forget: 1/2, 3, 1/12.
constexpr double kLargestCount = 4096;

bool near(double a, double b, double tolerance) {
  return std::abs(a - b) <= 10 * tolerance * (1 + std::max(std::abs(a), std::abs(b)));
}

bool all_near(const Numbers& a, const Numbers& b, double tolerance) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](double x, double y) { return near(x, y, tolerance); });
}

// What every derivative was multiplied by, if they all were by the same.
std::optional<double> common_ratio(const WrongGradient& wrong) {
  std::size_t largest = 0;
  for (std::size_t e = 0; e < wrong.numeric.size(); ++e)
    if (std::abs(wrong.numeric[e]) > std::abs(wrong.numeric[largest])) largest = e;
  if (wrong.numeric.size() < kFewestElements || std::abs(wrong.numeric[largest]) <= 10 * wrong.tolerance) return {};
  const double ratio = wrong.analytic[largest] / wrong.numeric[largest];
  Numbers expected = wrong.numeric;
  for (double& d : expected) d *= ratio;
  return all_near(wrong.analytic, expected, wrong.tolerance) ? std::optional(ratio) : std::nullopt;
}

// The other way round in the last two axes, as numbers in a row.
Numbers transposed(const Numbers& values, std::size_t rows, std::size_t columns) {
  Numbers turned(values.size());
  for (std::size_t first = 0; first < values.size(); first += rows * columns)
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) turned[first + c * rows + r] = values[first + r * columns + c];
  return turned;
}

std::optional<long> whole(double number) {
  const double rounded = std::round(number);
  return rounded >= 2 && rounded <= kLargestCount && near(number, rounded, 1e-6) ? std::optional(std::lround(rounded))
                                                                                 : std::nullopt;
}

std::string of_ratio(double ratio) {
  if (near(ratio, -1, 1e-6)) return "every derivative has the wrong sign";
  if (std::abs(ratio) < 1e-6) return "every derivative is zero: the gradient is multiplied by zero, or its path is cut";
  if (const auto parts = whole(1 / ratio))
    return fmt::format(
        "every derivative is 1/{} of what it should be: a factor {} is missing, a mean stands where a sum should, or "
        "of {} equal paths only one has a gradient (detach, NoGrad, values())",
        *parts, *parts, *parts);
  if (const auto times = whole(ratio))
    return fmt::format(
        "every derivative is {} times what it should be: a factor too many, a sum where a mean should be, or a "
        "gradient that is added {} times",
        *times, *times);
  return fmt::format("every derivative is {:.4g} times what it should be: a factor is missing or too many", ratio);
}

}  // namespace

std::string diagnosis(const WrongGradient& wrong) {
  if (wrong.analytic.size() != wrong.numeric.size() || wrong.numeric.empty()) return "";
  const auto says = [&](const std::string& what) { return fmt::format("input {}: {}", wrong.input, what); };
  if (wrong.some_zero && !wrong.some_other)
    return says(
        "the derivatives of some of the value's elements are right and those of the others zero: a sum over an axis "
        "along which the input is broadcast is missing");
  if (const auto ratio = common_ratio(wrong); ratio && !near(*ratio, 1, wrong.tolerance)) return says(of_ratio(*ratio));
  const int rank = wrong.shape.rank();
  if (rank < 2) return "";
  const auto rows = static_cast<std::size_t>(wrong.shape[rank - 2]);
  const auto columns = static_cast<std::size_t>(wrong.shape[rank - 1]);
  if (rows > 1 && columns > 1 && all_near(wrong.analytic, transposed(wrong.numeric, rows, columns), wrong.tolerance))
    return says("the gradient is the right one transposed");
  return "";
}

}  // namespace tapegrad::testing::internal
