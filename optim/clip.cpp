#include <tapegrad/optim/clip.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/row_sparse.hpp>
#include <tapegrad/ops/kernels/norm.hpp>
#include <vector>

namespace tapegrad::optim {
namespace {

// The tensor that holds a gradient's numbers.
Tensor values_of(const Tensor& gradient) {
  const RowSparse* sparse = gradient.row_sparse();
  return sparse ? sparse->values : gradient.contiguous();
}

// Replaces each element x by f(x), in a buffer of its own: a gradient's may be shared.
template <class F>
void transform(const NamedTensors& parameters, F f) {
  for (const auto& [name, parameter] : parameters) {
    const Tensor gradient = parameter.grad();
    if (!gradient.defined()) continue;
    const Tensor values = values_of(gradient);
    Tensor changed = empty(values.shape(), values.dtype());
    dispatch_floating(changed.dtype(), [&]<class T>() {
      const std::span<const T> from = values.data<T>();
      std::transform(from.begin(), from.end(), changed.mutable_data<T>().begin(), f.template as<T>());
    });
    if (const RowSparse* sparse = gradient.row_sparse())
      changed = adopt_rows(gradient.shape(), {sparse->indices, std::move(changed)});
    Tensor(parameter).set_grad(std::move(changed));
  }
}

// In two factors, the second a power of two: one alone may be out of T's range where products of it are not.
struct Scale {
  explicit Scale(double numerator, double denominator = 1) {
    int above = 0, below = 0;
    factor = std::frexp(numerator, &above) / std::frexp(denominator, &below);
    exponent = above - below;
  }
  double factor;
  int exponent;
  template <class T>
  auto as() const {
    using Limits = std::numeric_limits<T>;
    const int first = std::clamp(exponent, Limits::min_exponent + 1, Limits::max_exponent - 2);
    return [k = std::ldexp(static_cast<T>(factor), first), rest = std::ldexp(T{1}, exponent - first)](T x) {
      return k * x * rest;
    };
  }
};

struct Limit {
  double limit;
  template <class T>
  auto as() const {
    return [k = static_cast<T>(limit)](T x) { return x > k ? k : x < -k ? -k : x; };
  }
};

void require_positive(const char* what, double value) {
  if (!(value > 0)) throw ValueError(fmt::format("{}: the limit is {}; it must be above 0", what, value));
}

}  // namespace

double grad_norm(const NamedTensors& parameters) {
  std::vector<double> norms;
  for (const auto& [name, parameter] : parameters) {
    if (!parameter.grad().defined()) continue;
    const Tensor values = values_of(parameter.grad());
    norms.push_back(dispatch_floating(
        values.dtype(), [&]<class T>() { return kernels::norm(values.data<T>().data(), values.numel(), 2); }));
  }
  return kernels::norm(norms.data(), std::ssize(norms), 2);
}

double clip_grad_norm(const NamedTensors& parameters, double max_norm) {
  require_positive("clip_grad_norm", max_norm);
  const double before = grad_norm(parameters);
  if (std::isfinite(before) && before > max_norm) transform(parameters, Scale(max_norm, before));
  return before;
}

void scale_grad(const NamedTensors& parameters, double factor) { transform(parameters, Scale(factor)); }

void clip_grad_value(const NamedTensors& parameters, double limit) {
  require_positive("clip_grad_value", limit);
  transform(parameters, Limit{limit});
}

}  // namespace tapegrad::optim
