#pragma once
// Active values and Duals as the scalars of Eigen's matrices: Eigen::Matrix<Real, 3, 3>, products with matrices of
// double, decompositions dense and sparse.

#include <Eigen/Core>
#include <tapegrad/scalar/scalar.hpp>

/// Costs are what Eigen unrolls by.
template <class X>
requires(tapegrad::scalars::detail::depth<X> > 0 &&
         std::same_as<X, tapegrad::scalars::detail::Held<X>>) struct Eigen::NumTraits<X>
    : Eigen::NumTraits<tapegrad::scalars::detail::Innermost<X>> {
  using Real = X;
  using NonInteger = X;
  using Nested = X;
  using Literal = tapegrad::scalars::detail::Innermost<X>;
  enum {
    IsComplex = 0,
    IsInteger = 0,
    IsSigned = 1,
    RequireInitialization = 1,
    ReadCost = 2,
    AddCost = 4,
    MulCost = 4
  };
  static X epsilon() { return std::numeric_limits<X>::epsilon(); }
  static X dummy_precision() { return Eigen::NumTraits<Literal>::dummy_precision(); }
  static X highest() { return std::numeric_limits<X>::max(); }
  static X lowest() { return std::numeric_limits<X>::lowest(); }
  static X infinity() { return std::numeric_limits<X>::infinity(); }
  static X quiet_NaN() { return std::numeric_limits<X>::quiet_NaN(); }
};

/// Beside matrices of numbers and of values one level down.
template <class X, class Operation>
requires(tapegrad::scalars::detail::depth<X> > 0) struct Eigen::ScalarBinaryOpTraits<X, typename X::Value, Operation> {
  using ReturnType = X;
};
template <class X, class Operation>
requires(tapegrad::scalars::detail::depth<X> > 0) struct Eigen::ScalarBinaryOpTraits<typename X::Value, X, Operation> {
  using ReturnType = X;
};
