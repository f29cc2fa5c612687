#pragma once
// Operations of a user's own, declared as the library's are: one right, the others wrong in one way each.

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::tests {

struct Cube {
  static constexpr OpInfo info{.name = "cube", .formula = "y = x³", .inputs = {"x"}};
  static auto value(const auto& x) { return x * x * x; }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) { return g * x * x * 3; }
};

/// Its gradient is 0.1 % too large.
struct CubeOff {
  static constexpr OpInfo info{.name = "cube_off", .formula = "y = x³", .inputs = {"x"}};
  static auto value(const auto& x) { return x * x * x; }
  static auto vjp(wrt<0>, const auto& g, const auto& x, const auto&) {
    return g * x * x * formula::constant<decltype(x)>(3.003L);
  }
};

/// Its gradient is right, and passes as a constant where it is differentiated again.
struct CubeForgetful {
  static constexpr OpInfo info{.name = "cube_forgetful", .formula = "y = x³", .inputs = {"x"}};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& x) { return {x.shape(), x.dtype()}; }
  static void forward(const Attrs&, const Tensor& x, Tensor& y) {
    dispatch_floating(x.dtype(), [&]<class T>() {
      const auto from = x.data<T>();
      const auto to = y.mutable_data<T>();
      for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i] * from[i] * from[i];
    });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, const Tensor& x, Unsaved) {
    return g * square(x.detach()) * 3;
  }
  static std::vector<SampleOf<CubeForgetful>> samples(Rng& rng) { return {{{randn({4}, f64, rng)}, {}}}; }
  static std::vector<BadInputOf<CubeForgetful>> bad_inputs() { return {}; }
};

/// A weighted sum of rows whose gradient forgets the weight of the last one.
struct Weigh {
  static constexpr OpInfo info{
      .name = "weigh", .formula = "y = Σ w_i x_i", .inputs = {"x", "w"}, .saves = kSavesOthers};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& x, const Tensor&) { return {{}, x.dtype()}; }
  static void forward(const Attrs&, const Tensor& x, const Tensor& w, Tensor& y) { y.copy_from(sum(x * w)); }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved, const Tensor& w, Unsaved) { return g * w; }
  static Tensor vjp(wrt<1>, const Attrs&, const Tensor& g, const Tensor& x, Unsaved, Unsaved) {
    const std::int64_t last = x.shape()[0] - 1;
    return g * x * (arange(last + 1) < last);
  }
  static std::vector<SampleOf<Weigh>> samples(Rng& rng) { return {{{randn({3}, f64, rng), randn({3}, f64, rng)}, {}}}; }
  static std::vector<BadInputOf<Weigh>> bad_inputs() { return {}; }
};

/// Its gradient doubles when it is recorded.
struct CubeTwoFaced : CubeForgetful {
  static constexpr OpInfo info{.name = "cube_two_faced", .formula = "y = x³", .inputs = {"x"}};
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, const Tensor& x, Unsaved) {
    return g * square(x) * (grad_enabled() ? 6 : 3);
  }
  static std::vector<SampleOf<CubeTwoFaced>> samples(Rng& rng) { return {{{randn({4}, f64, rng)}, {}}}; }
  static std::vector<BadInputOf<CubeTwoFaced>> bad_inputs() { return {}; }
};

using UserOps = OpList<Cube, CubeOff, CubeForgetful, CubeTwoFaced, Weigh>;

inline Tensor cube(const Tensor& x) { return UserOps::apply<Cube>(x); }
inline Tensor cube_off(const Tensor& x) { return UserOps::apply<CubeOff>(x); }
inline Tensor cube_forgetful(const Tensor& x) { return UserOps::apply<CubeForgetful>(NoAttrs{}, x); }
inline Tensor cube_two_faced(const Tensor& x) { return UserOps::apply<CubeTwoFaced>(NoAttrs{}, x); }
inline Tensor weigh(const Tensor& x, const Tensor& w) { return UserOps::apply<Weigh>(NoAttrs{}, x, w); }

}  // namespace tapegrad::tests
