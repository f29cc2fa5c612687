#include <tapegrad/optim/clip.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/optim/rule.hpp>

namespace tapegrad::optim {
namespace {

// Of a gradient, the tensor that holds its numbers, each row once: what clipping reads and changes.
struct Values {
  Tensor parameter;
  Tensor values;
  std::vector<std::int64_t> rows;  // of a row-sparse gradient
  bool sparse = false;
};

std::vector<Values> values_of(const NamedTensors& parameters) {
  std::vector<Values> all;
  for (const auto& [name, parameter] : parameters) {
    const Tensor gradient = parameter.grad();
    if (!gradient.defined()) continue;
    if (const RowSparse* sparse = gradient.row_sparse()) {
      UniqueRows unique = coalesce(*sparse);
      all.push_back({parameter, std::move(unique.values), std::move(unique.rows), true});
    } else {
      all.push_back({parameter, gradient.contiguous(), {}, false});
    }
  }
  return all;
}

template <class T>
double sum_of_squares(std::span<const T> values) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < values.size(); ++i) sum += double(values[i]) * double(values[i]);
  return sum;
}

double norm(const std::vector<Values>& all) {
  double sum = 0;
  for (const Values& v : all)
    sum += dispatch_floating(v.values.dtype(), [&]<class T>() { return sum_of_squares(v.values.data<T>()); });
  return std::sqrt(sum);
}

// Replaces each element x by f(x), in a buffer of its own: a gradient's may be shared.
template <class F>
void transform(std::vector<Values>& all, F f) {
  for (Values& v : all) {
    Tensor changed = empty(v.values.shape(), v.values.dtype());
    dispatch_floating(changed.dtype(), [&]<class T>() {
      const std::span<const T> from = v.values.data<T>();
      std::transform(from.begin(), from.end(), changed.mutable_data<T>().begin(), f.template as<T>());
    });
    if (v.sparse) changed = make_row_sparse(v.parameter.shape(), copy_of(v.rows), std::move(changed));
    v.parameter.set_grad(std::move(changed));
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

double grad_norm(const NamedTensors& parameters) { return norm(values_of(parameters)); }

double clip_grad_norm(const NamedTensors& parameters, double max_norm) {
  require_positive("clip_grad_norm", max_norm);
  std::vector<Values> all = values_of(parameters);
  const double before = norm(all);
  if (std::isfinite(before) && before > max_norm) transform(all, Scale{max_norm / before});
  return before;
}

void clip_grad_value(const NamedTensors& parameters, double limit) {
  require_positive("clip_grad_value", limit);
  std::vector<Values> all = values_of(parameters);
  transform(all, Limit{limit});
}

}  // namespace tapegrad::optim
