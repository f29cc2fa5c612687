#pragma once
// One step of each recurrent cell, elementwise. As the formulas of pointwise ops, these are read on numbers, in
// kernels, and on Tensors, where gradients of gradients are recorded.

#include <array>
#include <tapegrad/op/formula.hpp>
#include <tapegrad/ops/activation.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>

namespace tapegrad::recurrence {

using formula::logistic;
using formula::tanh;
using formula::where;

/// What a step passes back: to x, to the product of weight and hidden state, and, past both, to the states before.
template <class X, int kGates, int kStates>
struct Backward {
  std::array<X, kGates> x, product;
  std::array<X, kStates> before;  ///< X{} where nothing goes past
};

// kOneGradient says that x and product, which are added up, have the same gradient. In each: kGates of x, kStates that
// are carried, the hidden state last, and kPlanes of results, the states last. forward(x, product, before) gives the
// planes; backward(g, y, before) takes the planes' cotangents and the planes.

struct Lstm {
  static constexpr int kGates = 4, kStates = 2, kPlanes = 6;
  static constexpr bool kOneGradient = true;
  static constexpr double kFlops = 40;  ///< of a step, an element of the hidden state

  template <class X>
  static std::array<X, 6> forward(const std::array<X, 4>& x, const std::array<X, 4>& product,
                                  const std::array<X, 2>& before) {
    const X i = logistic(x[0] + product[0]), f = logistic(x[1] + product[1]);
    const X g = tanh(x[2] + product[2]), o = logistic(x[3] + product[3]);
    const X c = f * before[0] + i * g;
    return {i, f, g, o, c, o * tanh(c)};
  }

  template <class X>
  static Backward<X, 4, 2> backward(const std::array<X, 6>& d, const std::array<X, 6>& y,
                                    const std::array<X, 2>& before) {
    const auto& [i, f, g, o, c, h] = y;
    const X t = tanh(c);
    const X dc = d[4] + d[5] * o * (1 - t * t);
    const X di = (d[0] + dc * g) * i * (1 - i), df = (d[1] + dc * before[0]) * f * (1 - f);
    const X dg = (d[2] + dc * i) * (1 - g * g), dout = (d[3] + d[5] * t) * o * (1 - o);
    return {{di, df, dg, dout}, {di, df, dg, dout}, {dc * f, X{}}};
  }
};

struct Gru {
  static constexpr int kGates = 3, kStates = 1, kPlanes = 5;
  static constexpr bool kOneGradient = false;
  static constexpr double kFlops = 34;

  template <class X>
  static std::array<X, 5> forward(const std::array<X, 3>& x, const std::array<X, 3>& product,
                                  const std::array<X, 1>& before) {
    const X r = logistic(x[0] + product[0]), z = logistic(x[1] + product[1]);
    const X n = tanh(x[2] + r * product[2]);
    return {r, z, n, product[2], n + z * (before[0] - n)};
  }

  template <class X>
  static Backward<X, 3, 1> backward(const std::array<X, 5>& d, const std::array<X, 5>& y,
                                    const std::array<X, 1>& before) {
    const auto& [r, z, n, m, h] = y;
    const X dn = (d[2] + d[4] * (1 - z)) * (1 - n * n);
    const X dr = (d[0] + dn * m) * r * (1 - r), dz = (d[1] + d[4] * (before[0] - n)) * z * (1 - z);
    return {{dr, dz, dn}, {dr, dz, d[3] + dn * r}, {d[4] * z}};
  }
};

template <bool kRelu>
struct Rnn {
  static constexpr int kGates = 1, kStates = 1, kPlanes = 1;
  static constexpr bool kOneGradient = true;
  static constexpr double kFlops = kRelu ? 3 : 10;

  template <class X>
  static std::array<X, 1> forward(const std::array<X, 1>& x, const std::array<X, 1>& product, const std::array<X, 1>&) {
    const X sum = x[0] + product[0];
    if constexpr (kRelu)
      return {where(sum < 0, 0, sum)};
    else
      return {tanh(sum)};
  }

  template <class X>
  static Backward<X, 1, 1> backward(const std::array<X, 1>& d, const std::array<X, 1>& y, const std::array<X, 1>&) {
    const auto slope = [&]() -> X {
      if constexpr (kRelu)
        return where(y[0] == 0, 0, d[0]);
      else
        return d[0] * (1 - y[0] * y[0]);
    };
    const X dx = slope();
    return {{dx}, {dx}, {X{}}};
  }
};

}  // namespace tapegrad::recurrence
