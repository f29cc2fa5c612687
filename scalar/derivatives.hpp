#pragma once
// Derivatives of functions of scalars, with the names that functions of Tensors have (ops/transforms.hpp). A function
// takes a const std::vector<T>& or a std::span<const T>, for any T, and returns a T or a std::vector<T>: a lambda with
// an `auto` parameter, say.
//
//   const auto f = [](const auto& x) { return x[0] * x[1] + sin(x[0]); };
//   std::vector<double> g = gradient(f, {1.0, 2.0});
//
// Called on what is itself an Active or a Dual, they are differentiated again: each nests a type of its own.

#include <tapegrad/scalar/functions.hpp>
#include <tapegrad/scalar/recording.hpp>

namespace tapegrad::scalars {

/// Of a function of numbers.
template <class T>
struct ValueAndGradient {
  T value;
  std::vector<T> gradient;
};
/// Values, and how they change along a direction.
template <class T>
struct Pushforward {
  std::vector<T> value, tangent;
};

/// Row-major: element (i, j) of a matrix with `columns` columns.
template <class T>
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<T> elements;
  T& operator()(std::size_t i, std::size_t j) { return elements[i * columns + j]; }
  const T& operator()(std::size_t i, std::size_t j) const { return elements[i * columns + j]; }
};

namespace detail {

template <class T>
std::vector<T> results_of(std::vector<T> y) {
  return y;
}
template <class E>
requires(depth<E> > 0 || std::is_arithmetic_v<E>) std::vector<Held<E>> results_of(const E& y) { return {Held<E>(y)}; }

template <class T>
std::vector<Active<T>> inputs_of(Recording<T>& recording, const std::vector<T>& x) {
  std::vector<Active<T>> inputs;
  inputs.reserve(x.size());
  for (const T& value : x) inputs.push_back(recording.input(value));
  return inputs;
}

/// The inputs as Duals in the one direction.
template <class T>
std::vector<Dual<T>> along(const std::vector<T>& x, const std::vector<T>& direction) {
  if (direction.size() != x.size()) fail_size("the vector", direction.size(), x.size());
  std::vector<Dual<T>> inputs(x.begin(), x.end());
  for (std::size_t i = 0; i < x.size(); ++i) inputs[i].tangent() = direction[i];
  return inputs;
}

template <class T>
std::vector<T> gradient_at(Recording<T>& recording, const std::vector<Active<T>>& inputs, const Active<T>& y) {
  recording.backward(y);
  std::vector<T> gradient;
  gradient.reserve(inputs.size());
  for (const Active<T>& x : inputs) gradient.push_back(recording.grad(x));
  return gradient;
}

}  // namespace detail

/// f(x), and its derivative for each input, in one reverse sweep.
template <class T, class F>
ValueAndGradient<T> value_and_gradient(const F& f, const std::vector<T>& x) {
  Recording<T> recording;
  const std::vector<Active<T>> inputs = detail::inputs_of(recording, x);
  const Active<T> y = f(inputs);
  return {y.value(), detail::gradient_at(recording, inputs, y)};
}
template <class T = double, class F>
std::vector<T> gradient(const F& f, const std::vector<T>& x) {
  return value_and_gradient(f, x).gradient;
}

/// f(x), and its derivative along `tangent`, in one forward pass.
template <class T = double, class F>
Pushforward<T> jvp(const F& f, const std::vector<T>& x, const std::vector<T>& tangent) {
  Pushforward<T> result;
  for (const Dual<T>& y : detail::results_of(f(detail::along(x, tangent)))) {
    result.value.push_back(y.value());
    result.tangent.push_back(y.tangent());
  }
  return result;
}

/// The sum of cotangent · df/dx over the results of f, in one reverse sweep.
template <class T = double, class F>
std::vector<T> vjp(const F& f, const std::vector<T>& x, const std::vector<T>& cotangent) {
  Recording<T> recording;
  const std::vector<Active<T>> inputs = detail::inputs_of(recording, x);
  const std::vector<Active<T>> y = detail::results_of(f(inputs));
  recording.backward(y, cotangent);
  std::vector<T> gradient;
  for (const Active<T>& input : inputs) gradient.push_back(recording.grad(input));
  return gradient;
}

/// A row for each result of f and a column for each input: in sweeps of eight rows or, where there are fewer inputs
/// than results, in passes of eight columns.
template <class T = double, class F>
Matrix<T> jacobian(const F& f, const std::vector<T>& x) {
  constexpr int kLanes = 8;
  Recording<T> recording;
  const std::vector<Active<T>> inputs = detail::inputs_of(recording, x);
  const std::vector<Active<T>> y = detail::results_of(f(inputs));
  Matrix<T> result{y.size(), x.size(), std::vector<T>(y.size() * x.size())};
  if (y.size() <= x.size()) {
    for (std::size_t row = 0; row < y.size(); row += kLanes) {
      Adjoints<T, kLanes> adjoints(recording);
      const int count = static_cast<int>(std::min<std::size_t>(kLanes, y.size() - row));
      for (int lane = 0; lane < count; ++lane) adjoints.add(y[row + std::size_t(lane)], T(1), lane);
      adjoints.sweep();
      for (int lane = 0; lane < count; ++lane)
        for (std::size_t j = 0; j < x.size(); ++j) result(row + std::size_t(lane), j) = adjoints.of(inputs[j], lane);
    }
    return result;
  }
  for (std::size_t column = 0; column < x.size(); column += kLanes) {
    std::vector<Dual<T, kLanes>> seeded(x.begin(), x.end());
    const std::size_t count = std::min<std::size_t>(kLanes, x.size() - column);
    for (std::size_t lane = 0; lane < count; ++lane) seeded[column + lane].tangent(static_cast<int>(lane)) = T(1);
    const auto columns = detail::results_of(f(seeded));
    for (std::size_t i = 0; i < columns.size(); ++i)
      for (std::size_t lane = 0; lane < count; ++lane) result(i, column + lane) = columns[i].tangent(int(lane));
  }
  return result;
}

/// The Hessian of f times a vector: forward over reverse, at a small multiple of a gradient.
template <class T = double, class F>
std::vector<T> hvp(const F& f, const std::vector<T>& x, const std::vector<T>& vector) {
  std::vector<T> product;
  for (const Dual<T>& slope : gradient(f, detail::along(x, vector))) product.push_back(slope.tangent());
  return product;
}

/// Second derivatives of f: forward over reverse, a sweep for each eight columns.
template <class T = double, class F>
Matrix<T> hessian(const F& f, const std::vector<T>& x) {
  constexpr int kLanes = 8;
  Matrix<T> result{x.size(), x.size(), std::vector<T>(x.size() * x.size())};
  for (std::size_t column = 0; column < x.size(); column += kLanes) {
    std::vector<Dual<T, kLanes>> seeded(x.begin(), x.end());
    const std::size_t count = std::min<std::size_t>(kLanes, x.size() - column);
    for (std::size_t lane = 0; lane < count; ++lane) seeded[column + lane].tangent(static_cast<int>(lane)) = T(1);
    const std::vector<Dual<T, kLanes>> slopes = gradient(f, seeded);
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t lane = 0; lane < count; ++lane) result(i, column + lane) = slopes[i].tangent(int(lane));
  }
  return result;
}

}  // namespace tapegrad::scalars
