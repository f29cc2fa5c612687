#include <tapegrad/nn/init.hpp>

#include <Eigen/QR>

#include <cmath>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <utility>

namespace tapegrad::nn::init {
namespace {

thread_local bool skipping = false;

template <class Draw>
Tensor drawn(const Shape& shape, DType dtype, Draw draw) {
  if (!is_floating(dtype)) throw DTypeError("init: parameters are f32 or f64, not " + std::string(name_of(dtype)));
  Tensor t = empty(shape, dtype);
  dispatch_floating(dtype, [&]<class T>() {
    for (T& value : t.mutable_data<T>()) value = static_cast<T>(draw());
  });
  return t;
}

// How far a uniform distribution of that deviation reaches.
double reach(double deviation) { return std::sqrt(3.0) * deviation; }

using Deviation = std::function<double(const Fans&)>;

Initializer uniform_of(Deviation deviation) {
  return [deviation](const Shape& shape, DType dtype, Rng& rng) {
    const double r = reach(deviation(fans(shape)));
    return uniform(-r, r)(shape, dtype, rng);
  };
}

Initializer normal_of(Deviation deviation) {
  return [deviation](const Shape& shape, DType dtype, Rng& rng) {
    return normal(0, deviation(fans(shape)))(shape, dtype, rng);
  };
}

Deviation xavier(double gain) {
  return [gain](const Fans& f) { return gain * std::sqrt(2 / (f.in + f.out)); };
}

Deviation kaiming(double slope) {
  return [slope](const Fans& f) { return std::sqrt(2 / ((1 + slope * slope) * f.in)); };
}

double lecun(const Fans& f) { return std::sqrt(1 / f.in); }

}  // namespace

Skip::Skip() : before_(std::exchange(skipping, true)) {}
Skip::~Skip() { skipping = before_; }

Tensor Initializer::operator()(const Shape& shape, DType dtype, Rng& rng) const {
  const std::string what =
      "init: the initialiser of a parameter " + std::string(name_of(dtype)) + " " + to_string(shape);
  if (!function_) throw ValueError(what + " is an empty function");
  if (skipping) return tapegrad::zeros(shape, dtype);
  Tensor value = function_(shape, dtype, rng);
  if (!value.defined()) throw ValueError(what + " gave an undefined tensor");
  if (value.shape() != shape) throw ShapeError(what + " gave one of shape " + to_string(value.shape()));
  if (value.dtype() != dtype) throw DTypeError(what + " gave one of dtype " + std::string(name_of(value.dtype())));
  value = value.to_dense().contiguous();
  if (is_floating(dtype))
    dispatch_floating(dtype, [&]<class T>() {
      for (const T x : value.data<T>())
        if (!std::isfinite(x)) throw ValueError(what + " gave " + std::to_string(x));
    });
  return value;
}

Fans fans(const Shape& shape) {
  if (shape.rank() < 2)
    throw ShapeError("init: a parameter of shape " + to_string(shape) +
                     " has no fan; those of rank below 2 take zeros(), constant() or normal()");
  double receptive = 1;
  for (int axis = 2; axis < shape.rank(); ++axis) receptive *= static_cast<double>(shape[axis]);
  return {static_cast<double>(shape[1]) * receptive, static_cast<double>(shape[0]) * receptive};
}

Initializer constant(double value) {
  return [value](const Shape& shape, DType dtype, Rng&) { return full(shape, value, dtype); };
}

Initializer zeros() { return constant(0); }
Initializer ones() { return constant(1); }

Initializer uniform(double low, double high) {
  return [=](const Shape& shape, DType dtype, Rng& rng) {
    return drawn(shape, dtype, [&] { return low + (high - low) * rng.uniform(); });
  };
}

Initializer normal(double mean, double deviation) {
  return [=](const Shape& shape, DType dtype, Rng& rng) {
    return drawn(shape, dtype, [&] { return mean + deviation * rng.normal(); });
  };
}

Initializer truncated_normal(double mean, double deviation) {
  return [=](const Shape& shape, DType dtype, Rng& rng) {
    return drawn(shape, dtype, [&] {
      double z = rng.normal();
      while (std::abs(z) > 2) z = rng.normal();
      return mean + deviation * z;
    });
  };
}

Initializer xavier_uniform(double gain) { return uniform_of(xavier(gain)); }
Initializer xavier_normal(double gain) { return normal_of(xavier(gain)); }
Initializer kaiming_uniform(double slope) { return uniform_of(kaiming(slope)); }
Initializer kaiming_normal(double slope) { return normal_of(kaiming(slope)); }
Initializer lecun_uniform() { return uniform_of(lecun); }
Initializer lecun_normal() { return normal_of(lecun); }

Initializer orthogonal(double gain) {
  return [gain](const Shape& shape, DType dtype, Rng& rng) {
    fans(shape);  // refuses rank below 2
    const std::int64_t rows = shape[0], columns = rows ? shape.numel() / rows : 0;
    const std::int64_t larger = std::max(rows, columns), smaller = std::min(rows, columns);
    Eigen::MatrixXd random(larger, smaller);
    for (std::int64_t j = 0; j < smaller; ++j)
      for (std::int64_t i = 0; i < larger; ++i) random(i, j) = rng.normal();
    Eigen::MatrixXd q = Eigen::MatrixXd::Identity(larger, smaller);
    if (smaller > 0) {
      const Eigen::HouseholderQR<Eigen::MatrixXd> qr(random);
      q = qr.householderQ() * q;
      // With R's diagonal positive the distribution is the uniform (Haar) one.
      for (std::int64_t j = 0; j < smaller; ++j)
        if (qr.matrixQR()(j, j) < 0) q.col(j) = -q.col(j);
    }
    std::int64_t i = 0;
    return drawn(shape, dtype, [&] {
      const std::int64_t row = i / columns, column = i % columns;
      ++i;
      return gain * (rows >= columns ? q(row, column) : q(column, row));
    });
  };
}

}  // namespace tapegrad::nn::init
