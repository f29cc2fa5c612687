#include <tapegrad/optim/clip.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/row_sparse.hpp>

namespace tapegrad::optim {
namespace {

// The tensor that holds a gradient's numbers.
Tensor values_of(const Tensor& gradient) {
  const RowSparse* sparse = gradient.row_sparse();
  return sparse ? sparse->values : gradient.contiguous();
}

template <class T>
double sum_of_squares(std::span<const T> values) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < values.size(); ++i) sum += double(values[i]) * double(values[i]);
  return sum;
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

struct Scale {
  double factor;
  template <class T>
  auto as() const {
    return [k = static_cast<T>(factor)](T x) { return k * x; };
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
  double sum = 0;
  for (const auto& [name, parameter] : parameters) {
    if (!parameter.grad().defined()) continue;
    const Tensor values = values_of(parameter.grad());
    sum += dispatch_floating(values.dtype(), [&]<class T>() { return sum_of_squares(values.data<T>()); });
  }
  return std::sqrt(sum);
}

double clip_grad_norm(const NamedTensors& parameters, double max_norm) {
  require_positive("clip_grad_norm", max_norm);
  const double before = grad_norm(parameters);
  if (std::isfinite(before) && before > max_norm) transform(parameters, Scale{max_norm / before});
  return before;
}

void scale_grad(const NamedTensors& parameters, double factor) { transform(parameters, Scale{factor}); }

void clip_grad_value(const NamedTensors& parameters, double limit) {
  require_positive("clip_grad_value", limit);
  transform(parameters, Limit{limit});
}

}  // namespace tapegrad::optim
