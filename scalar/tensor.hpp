#pragma once
// Scalar functions as operations of the tensor graph, and tensor functions on the tape of scalars.
//
//   const auto price = [](const auto& spot, const auto& volatility) { … };        // a template over its numbers
//   Tensor prices = elementwise(price, {.name = "price"})(spots, volatilities);  // one node of the graph
//   Tensor energy = scalar_op([](const auto& x) { return x[0] * x[1]; })(x);      // of whole tensors
//
// They have gradients of first and second order, in each mode, and are checked as any function of tensors is:
// EXPECT_THAT(scalar_op(f), HasCorrectGradients({x}, {.order = 2})). Numbers are computed in double, whatever the
// dtype is.

#include <memory>
#include <string>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/ops/tensor_function.hpp>
#include <tapegrad/scalar/derivatives.hpp>

namespace tapegrad::scalars {

/// Of an operation made of a function of numbers.
struct ScalarOpOptions {
  std::string name = "f";  ///< in pictures and messages
  Shape shape{};           ///< of the result, where the function is of whole tensors: it returns as many numbers
};

namespace detail {

/// A function of the inputs' elements, one tensor after the other, and its derivatives.
class ScalarFunction {
 public:
  using Vector = std::vector<double>;
  struct Second {
    Vector inputs, cotangents;
  };
  virtual ~ScalarFunction() = default;
  virtual Vector value(const Vector& x) const = 0;
  /// Of the sum of g f(x), for x.
  virtual Vector gradient(const Vector& x, const Vector& g) const = 0;
  /// Of the sum of u gradient(x, g), for x and for g.
  virtual Second second(const Vector& x, const Vector& g, const Vector& u) const = 0;
};

/// Runs the op; `elementwise` ones broadcast their inputs.
Tensor run_scalar_op(std::shared_ptr<const ScalarFunction> f, const ScalarOpOptions& options, bool elementwise,
                     std::vector<Tensor> inputs);

/// f of M scalars, for each element of M tensors of one shape.
template <class F, std::size_t M>
class Elementwise final : public ScalarFunction {
 public:
  explicit Elementwise(F f) : f_(std::move(f)) {}

  Vector value(const Vector& x) const override {
    Vector y(x.size() / M);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = at<double>([&](std::size_t k) { return x[k * y.size() + i]; });
    return y;
  }
  Vector gradient(const Vector& x, const Vector& g) const override {
    using D = Dual<double, kDirections>;
    Vector gradients(x.size());
    for (std::size_t i = 0; i < g.size(); ++i) {
      if (g[i] == 0) continue;  // an element that is not used: its slope may be infinite
      const D y = at<D>([&](std::size_t k) { return D(x[k * g.size() + i], static_cast<int>(k)); });
      for (std::size_t k = 0; k < M; ++k) gradients[k * g.size() + i] = g[i] * y.tangent(static_cast<int>(k));
    }
    return gradients;
  }
  Second second(const Vector& x, const Vector& g, const Vector& u) const override {
    using Along = Dual<double>;
    using D = Dual<Along, kDirections>;
    Second result{Vector(x.size()), Vector(g.size())};
    for (std::size_t i = 0; i < g.size(); ++i) {
      const D y = at<D>([&](std::size_t k) {
        Along along(x[k * g.size() + i]);
        along.tangent() = u[k * g.size() + i];
        return D(along, static_cast<int>(k));
      });
      result.cotangents[i] = y.value().tangent();
      if (g[i] == 0) continue;
      for (std::size_t k = 0; k < M; ++k)
        result.inputs[k * g.size() + i] = g[i] * y.tangent(static_cast<int>(k)).tangent();
    }
    return result;
  }

 private:
  static constexpr int kDirections = static_cast<int>(M);

  template <class T, class Input>
  T at(const Input& input) const {
    return [&]<std::size_t... K>(std::index_sequence<K...>) { return T(f_(input(K)...)); }
    (std::make_index_sequence<M>{});
  }
  F f_;
};

/// f of the elements of M tensors, a std::vector each.
template <class F, std::size_t M>
class OfWhole final : public ScalarFunction {
 public:
  OfWhole(F f, std::vector<std::size_t> sizes) : f_(std::move(f)), sizes_(std::move(sizes)) {}

  Vector value(const Vector& x) const override { return results_of(at(x)); }
  Vector gradient(const Vector& x, const Vector& g) const override { return pulled(x, g).second; }
  Second second(const Vector& x, const Vector& g, const Vector& u) const override {
    const auto [y, slopes] = pulled(along(x, u), std::vector<Dual<double>>(g.begin(), g.end()));
    Second result;
    for (const Dual<double>& slope : slopes) result.inputs.push_back(slope.tangent());
    for (const Dual<double>& value : y) result.cotangents.push_back(value.tangent());
    return result;
  }

 private:
  template <class T>
  auto at(const std::vector<T>& x) const {
    std::size_t start = 0;
    const auto part = [&](std::size_t k) {
      const auto first = x.begin() + static_cast<std::ptrdiff_t>(start);
      start += sizes_[k];
      return std::vector<T>(first, first + static_cast<std::ptrdiff_t>(sizes_[k]));
    };
    return [&]<std::size_t... K>(std::index_sequence<K...>) {
      const std::vector<T> parts[] = {part(K)...};
      return f_(parts[K]...);
    }
    (std::make_index_sequence<M>{});
  }
  /// f(x), and the gradient of the sum of g f(x).
  template <class T>
  std::pair<std::vector<T>, std::vector<T>> pulled(const std::vector<T>& x, const std::vector<T>& g) const {
    Recording<T> recording;
    const std::vector<Active<T>> inputs = inputs_of(recording, x);
    const std::vector<Active<T>> y = results_of(at(inputs));
    recording.backward(y, g);
    std::pair<std::vector<T>, std::vector<T>> result;
    for (const Active<T>& value : y) result.first.push_back(value.value());
    for (const Active<T>& input : inputs) result.second.push_back(recording.grad(input));
    return result;
  }

  F f_;
  std::vector<std::size_t> sizes_;
};

template <class Argument, class Input>
using Each = Argument;
template <class F, class Argument, class... X>
inline constexpr bool kTakesEach = std::is_invocable_v<const F&, Each<const Argument&, X>...>;

}  // namespace detail

/// What elementwise() returns: called on tensors of the same floating dtype, whose shapes are broadcast.
template <class F>
class ElementwiseOp {
 public:
  ElementwiseOp(F f, ScalarOpOptions options) : f_(std::move(f)), options_(std::move(options)) {}

  template <std::convertible_to<const Tensor&>... X>
  requires(sizeof...(X) > 0 && detail::kTakesEach<F, double, X...>) Tensor operator()(const X&... x) const {
    return detail::run_scalar_op(std::make_shared<detail::Elementwise<F, sizeof...(X)>>(f_), options_, true, {x...});
  }

 private:
  F f_;
  ScalarOpOptions options_;
};

/// What scalar_op() returns: called on tensors of the same floating dtype.
template <class F>
class ScalarOp {
 public:
  ScalarOp(F f, ScalarOpOptions options) : f_(std::move(f)), options_(std::move(options)) {}

  template <std::convertible_to<const Tensor&>... X>
  requires(sizeof...(X) > 0 && detail::kTakesEach<F, std::vector<double>, X...>) Tensor operator()(
      const X&... x) const {
    std::vector<std::size_t> sizes{static_cast<std::size_t>(static_cast<const Tensor&>(x).numel())...};
    return detail::run_scalar_op(std::make_shared<detail::OfWhole<F, sizeof...(X)>>(f_, std::move(sizes)), options_,
                                 false, {x...});
  }

 private:
  F f_;
  ScalarOpOptions options_;
};

/// A function of scalars, T f(const T&, …) for any T, as one op: of each element of its tensors. DTypeError unless they
/// have one floating dtype; third derivatives are refused with a GraphError.
template <class F>
ElementwiseOp<F> elementwise(F f, ScalarOpOptions options = {}) {
  return {std::move(f), std::move(options)};
}

/// A function of vectors of scalars, f(const std::vector<T>&, …) for any T, as one op: of all the elements of its
/// tensors, row by row. It returns a T, or a std::vector<T> with the elements of a tensor of options.shape. Errors as
/// of elementwise(); ValueError where it returns another number of elements.
template <class F>
ScalarOp<F> scalar_op(F f, ScalarOpOptions options = {}) {
  return {std::move(f), std::move(options)};
}

/// A function of one tensor on the tape: its result's elements, row by row, with f's own gradient in the sweep. The
/// tensor has the elements x, the shape given, or [n] without one, and dtype f64. Other tensors that f reads are
/// constants here.
std::vector<Real> tensor_function(Recording<>& recording, const TensorFunction& f, std::span<const Real> x);
std::vector<Real> tensor_function(Recording<>& recording, const TensorFunction& f, std::span<const Real> x,
                                  const Shape& shape);

}  // namespace tapegrad::scalars
