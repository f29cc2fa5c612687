#pragma once
// The vocabulary of pointwise formulas. Each function reads on Eigen arrays (one fused, vectorised pass), on long
// double (the reference), on double (a number in a recorded formula), and on Tensors (which record themselves; found by
// argument-dependent look-up).

#include <Eigen/Core>
#include <cmath>
#include <tapegrad/core/tensor.hpp>
#include <type_traits>
#include <unsupported/Eigen/SpecialFunctions>

namespace tapegrad::formula {

using std::abs, std::acos, std::acosh, std::asin, std::asinh, std::atan, std::atanh, std::ceil, std::cos, std::cosh,
    std::erf, std::erfc, std::exp, std::expm1, std::floor, std::log, std::log1p, std::round, std::sin, std::sinh,
    std::sqrt, std::tan, std::tanh, std::trunc;

template <class T>
concept Number = std::is_arithmetic_v<T>;

template <class D>
using Expr = Eigen::ArrayBase<D>;

/// The element type of a reading: float, double or long double; double for Tensors.
template <class X>
struct ScalarOf {
  using type = double;
};
template <Number X>
struct ScalarOf<X> {
  using type = X;
};
template <class X>
requires requires { typename X::Scalar; }
struct ScalarOf<X> {
  using type = typename X::Scalar;
};
/// A constant in the precision of x's reading: `constant<X>(0.1L)` where X = decltype(x).
template <class X>
constexpr auto constant(long double value) {
  return static_cast<typename ScalarOf<std::remove_cvref_t<X>>::type>(value);
}

template <Number T>
T square(T x) {
  return x * x;
}
template <Number T>
T rsqrt(T x) {
  return 1 / sqrt(x);
}
template <Number T>
T reciprocal(T x) {
  return 1 / x;
}
template <Number T>
T sign(T x) {
  return x > 0 ? T{1} : x < 0 ? T{-1} : x;  // zero keeps its sign, NaN stays NaN
}
template <Number T>
T logistic(T x) {
  return 1 / (1 + exp(-x));
}
template <Number A, Number B>
auto pow(A a, B b) {
  return std::pow(a, b);
}

template <class D>
auto reciprocal(const Expr<D>& x) {
  return x.inverse();
}

// ---- choice ---------------------------------------------------------------------------------------------------------

template <Number A, Number B>
auto where(bool condition, A a, B b) {
  return condition ? static_cast<std::common_type_t<A, B>>(a) : static_cast<std::common_type_t<A, B>>(b);
}
template <class C, class A, class B>
auto where(const Expr<C>& condition, const Expr<A>& a, const Expr<B>& b) {
  return condition.select(a, b);
}
template <class C, class A, Number B>
auto where(const Expr<C>& condition, const Expr<A>& a, B b) {
  return condition.select(a, static_cast<typename A::Scalar>(b));
}
template <class C, Number A, class B>
auto where(const Expr<C>& condition, A a, const Expr<B>& b) {
  return condition.select(static_cast<typename B::Scalar>(a), b);
}

// Of a NaN and a number, the NaN.
template <Number A, Number B>
auto maximum(A a, B b) {
  return a > b || a != a ? a : b;
}
template <Number A, Number B>
auto minimum(A a, B b) {
  return a < b || a != a ? a : b;
}
template <class A, class B>
auto maximum(const Expr<A>& a, const Expr<B>& b) {
  using Op = Eigen::internal::scalar_max_op<typename A::Scalar, typename B::Scalar, Eigen::PropagateNaN>;
  return Eigen::CwiseBinaryOp<Op, const A, const B>(a.derived(), b.derived());
}
template <class A, class B>
auto minimum(const Expr<A>& a, const Expr<B>& b) {
  using Op = Eigen::internal::scalar_min_op<typename A::Scalar, typename B::Scalar, Eigen::PropagateNaN>;
  return Eigen::CwiseBinaryOp<Op, const A, const B>(a.derived(), b.derived());
}

}  // namespace tapegrad::formula
