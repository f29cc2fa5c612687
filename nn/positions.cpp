#include <tapegrad/nn/transformer.hpp>

#include <fmt/format.h>

#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::nn {
namespace {

struct Waves {
  Tensor sines, cosines;  ///< [L, width / 2]
};

/// Wavelengths from 2 π to 10000 · 2 π.
Waves waves(std::int64_t first, std::int64_t length, std::int64_t width, DType dtype) {
  const std::int64_t half = width / 2;
  Tensor sines = empty({length, half}, f64), cosines = empty({length, half}, f64);
  auto s = sines.mutable_data<double>().begin(), c = cosines.mutable_data<double>().begin();
  for (std::int64_t position = first; position < first + length; ++position)
    for (std::int64_t i = 0; i < half; ++i) {
      const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(width);
      const double angle = static_cast<double>(position) * std::pow(10000.0, exponent);
      *s++ = std::sin(angle);
      *c++ = std::cos(angle);
    }
  return {cast(sines, dtype), cast(cosines, dtype)};
}

}  // namespace

Tensor SinusoidalPositions::forward(const Tensor& x, std::int64_t first) const {
  if (x.rank() != 3 || x.size(2) % 2 != 0)
    throw ShapeError(
        fmt::format("{}: input {}, expected [B, L, width] with an even width", describe(), to_string(x.shape())));
  const Waves w = waves(first, x.size(1), x.size(2), x.dtype());
  return x + concat({w.sines, w.cosines}, 1);
}

LearnedPositions::LearnedPositions(Owner owner, const MemberName& name, std::int64_t longest, std::int64_t width,
                                   const LearnedPositionsOptions& options)
    : Layer(owner, name) {
  if (longest < 1 || width < 1)
    throw ValueError(fmt::format("{}: {} positions of width {}; each must be at least 1", describe(), longest, width));
  weight.create(*this, "weight",
                options.init({longest, width}, options.dtype, options.rng ? *options.rng : default_rng()));
}

Tensor LearnedPositions::forward(const Tensor& x, std::int64_t first) const {
  if (x.rank() != 3 || x.size(2) != weight.size(1))
    throw ShapeError(
        fmt::format("{}: input {}, expected [B, L, {}]", describe(), to_string(x.shape()), weight.size(1)));
  if (first < 0 || first + x.size(1) > weight.size(0))
    throw IndexError(fmt::format("{}: positions {} to {}, of which there are {}", describe(), first,
                                 first + x.size(1) - 1, weight.size(0)));
  return x + slice(weight, 0, first, first + x.size(1));
}

Tensor rotate_by_position(const Tensor& x, std::int64_t first) {
  if (x.rank() < 2 || x.size(-1) % 2 != 0)
    throw ShapeError("rotate_by_position: input " + to_string(x.shape()) + ", expected [..., L, D] with an even D");
  const std::int64_t half = x.size(-1) / 2;
  const Waves w = waves(first, x.size(-2), x.size(-1), x.dtype());
  const Tensor a = slice(x, -1, 0, half), b = slice(x, -1, half);
  return concat({a * w.cosines - b * w.sines, b * w.cosines + a * w.sines}, -1);
}

}  // namespace tapegrad::nn
