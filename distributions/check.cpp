#include <algorithm>
#include <cmath>
#include <string>
#include <tapegrad/core/error.hpp>
#include <tapegrad/distributions/internal/check.hpp>
#include <vector>

namespace tapegrad::distributions {
namespace {

template <class Holds>
void require(const char* distribution, const char* parameter, const Tensor& t, const char* wanted, const Holds& holds) {
  const std::vector<double> values = t.detach().values();
  const auto bad = std::find_if_not(values.begin(), values.end(), holds);
  if (bad != values.end())
    throw ValueError(std::string(distribution) + ": element " + std::to_string(bad - values.begin()) + " of " +
                     parameter + " is " + std::to_string(*bad) + "; expected " + wanted);
}

}  // namespace

void require_one_dtype(const char* distribution, std::initializer_list<Tensor> parameters) {
  for (const Tensor& t : parameters)
    if (!is_floating(t.dtype()) || t.dtype() != parameters.begin()->dtype())
      throw DTypeError(std::string(distribution) + ": a parameter is " + describe(t) + ", the first one " +
                       describe(*parameters.begin()) + "; all must be of one floating dtype");
}

void require_finite(const char* distribution, const char* parameter, const Tensor& values) {
  require(distribution, parameter, values, "a finite number", [](double v) { return std::isfinite(v); });
}

void require_positive(const char* distribution, const char* parameter, const Tensor& values) {
  require(distribution, parameter, values, "a finite number above 0",
          [](double v) { return v > 0 && std::isfinite(v); });
}

Shape drawn_shape(const Shape& shape, const Shape& batch) {
  std::vector<std::int64_t> extents(shape.begin(), shape.end());
  extents.insert(extents.end(), batch.begin(), batch.end());
  return Shape(extents);
}

}  // namespace tapegrad::distributions
