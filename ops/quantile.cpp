// Quantiles: elements at places in the sorted order, so that gradients go to where they came from.

#include <limits>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/attributes.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/order.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

enum class Nan { wins, ignored };

/// a + t (b - a), where infinite elements have no weight at t = 0 and outweigh all else beyond.
Tensor between_elements(const Tensor& a, const Tensor& b, const Tensor& t) {
  const Tensor fixed = a.detach();
  return where(t == 0 || (isinf(fixed) && fixed != -b.detach()), a, lerp(a, b, t));
}

/// The elements along an axis in order.
class Ordered {
 public:
  Ordered(const char* op, const Tensor& x, int axis, Nan nan)
      : op_(op), axis_(normalized_axis(op, axis, x.rank())), nan_(nan) {
    if (x.size(axis_) == 0)
      throw ValueError(std::string(op) + ": axis " + std::to_string(axis_) + " of shape " + to_string(x.shape()) +
                       " is empty; it must have an element");
    values_ = sort(cast(x, promote(x.dtype(), f32)), axis_).values;
    numbers_ = sum(!isnan(x), {axis_}, true);
    last_ =
        cast(nan == Nan::ignored ? maximum(numbers_, 1) - 1 : scalar(static_cast<double>(x.size(axis_) - 1), i64), f64);
  }

  Tensor quantile(double q, bool keepdims, QuantileMethod between) const {
    if (!(q >= 0 && q <= 1))
      throw ValueError(std::string(op_) + ": q is " + format_attribute(q) + "; it must be in [0, 1]");
    const Tensor place = last_ * q, below = floor(place);
    Tensor y;
    switch (between) {
      case QuantileMethod::linear:
        y = between_elements(at(below), at(ceil(place)), cast(place - below, values_.dtype()));
        break;
      case QuantileMethod::midpoint:
        y = between_elements(at(below), at(ceil(place)), cast(where(place == below, 0.0, 0.5), values_.dtype()));
        break;
      case QuantileMethod::lower:
        y = at(below);
        break;
      case QuantileMethod::higher:
        y = at(ceil(place));
        break;
      case QuantileMethod::nearest:
        y = at(round(place));
        break;
    }
    if (nan_ == Nan::wins) y = where(numbers_ == values_.size(axis_), y, std::numeric_limits<double>::quiet_NaN());
    return keepdims ? y : squeeze(y, axis_);
  }

 private:
  Tensor at(const Tensor& place) const {
    return gather(values_, axis_, cast(broadcast_to(place, values_.shape().with(axis_, 1)), i64));
  }

  const char* op_;
  int axis_;
  Nan nan_;
  Tensor values_, numbers_, last_;  // numbers_: how many are not NaN; last_: the place of q = 1
};

}  // namespace

Tensor quantile(const Tensor& x, double q, int axis, bool keepdims, QuantileMethod between) {
  return Ordered("quantile", x, axis, Nan::wins).quantile(q, keepdims, between);
}
Tensor quantile(const Tensor& x, double q) { return quantile(flatten(x), q, 0); }

Tensor nanquantile(const Tensor& x, double q, int axis, bool keepdims, QuantileMethod between) {
  return Ordered("nanquantile", x, axis, Nan::ignored).quantile(q, keepdims, between);
}
Tensor nanquantile(const Tensor& x, double q) { return nanquantile(flatten(x), q, 0); }

Tensor quantiles(const Tensor& x, const std::vector<double>& q, int axis, bool keepdims, QuantileMethod between) {
  if (q.empty()) throw ValueError("quantiles: q is empty; one or more are expected");
  const Ordered ordered("quantiles", x, axis, Nan::wins);
  std::vector<Tensor> all;
  for (const double one : q) all.push_back(ordered.quantile(one, keepdims, between));
  return stack(all);
}

Tensor nanmedian(const Tensor& x, int axis, bool keepdims) {
  return Ordered("nanmedian", x, axis, Nan::ignored).quantile(0.5, keepdims, QuantileMethod::midpoint);
}
Tensor nanmedian(const Tensor& x) { return nanmedian(flatten(x), 0); }

}  // namespace tapegrad
