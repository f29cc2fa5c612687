#pragma once
// Operations of a user's own, declared as the library's are: one right, the others wrong in one way each.

#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
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

/// x³ of each element, as a structural op.
struct CubeKernel {
  struct In {
    Tensor x;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor x;
  };
  static Out shapes(const In& in) { return {op::spec(in.x.shape(), in.x.dtype())}; }
  static Kept forward(const In& in, Out& out) {
    dispatch_floating(in.x.dtype(), [&]<class T>() {
      const auto from = in.x.data<T>();
      const auto to = out.y.mutable_data<T>();
      for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i] * from[i] * from[i];
    });
    return {in.x};
  }
};

/// Its gradient is right, and passes as a constant where it is differentiated again.
struct CubeForgetful : CubeKernel {
  static constexpr OpInfo info{.name = "cube_forgetful", .formula = "y = x³"};
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) { return {g.y * square(kept.x.detach()) * 3}; }
  static std::vector<SampleOf<CubeForgetful>> samples(Rng& rng) { return {{{randn({4}, f64, rng)}, {}}}; }
  static std::vector<BadInputOf<CubeForgetful>> bad_inputs() { return {}; }
};

/// Its gradient doubles when it is recorded.
struct CubeTwoFaced : CubeKernel {
  static constexpr OpInfo info{.name = "cube_two_faced", .formula = "y = x³"};
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    return {g.y * square(kept.x) * (grad_enabled() ? 6 : 3)};
  }
  static std::vector<SampleOf<CubeTwoFaced>> samples(Rng& rng) { return {{{randn({4}, f64, rng)}, {}}}; }
  static std::vector<BadInputOf<CubeTwoFaced>> bad_inputs() { return {}; }
};

/// A weighted sum of rows whose gradient forgets the weight of the last one.
struct Weigh {
  struct In {
    Tensor x, w;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor x, w;
  };
  static constexpr OpInfo info{.name = "weigh", .formula = "y = Σ w_i x_i"};
  static Out shapes(const In& in) { return {op::spec({}, in.x.dtype())}; }
  static Kept forward(const In& in, Out& out) {
    out.y.copy_from(sum(in.x * in.w));
    return {in.x, in.w};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    const std::int64_t last = kept.x.shape()[0] - 1;
    return {g.y * kept.w, g.y * kept.x * (arange(last + 1) < last)};
  }
  static std::vector<SampleOf<Weigh>> samples(Rng& rng) { return {{{randn({3}, f64, rng), randn({3}, f64, rng)}, {}}}; }
  static std::vector<BadInputOf<Weigh>> bad_inputs() { return {}; }
};

using UserOps = OpList<Cube, CubeOff, CubeForgetful, CubeTwoFaced, Weigh>;

inline Tensor cube(const Tensor& x) { return UserOps::apply<Cube>(x); }
inline Tensor cube_off(const Tensor& x) { return UserOps::apply<CubeOff>(x); }
inline Tensor cube_forgetful(const Tensor& x) { return UserOps::apply<CubeForgetful>({x}).y; }
inline Tensor cube_two_faced(const Tensor& x) { return UserOps::apply<CubeTwoFaced>({x}).y; }
inline Tensor weigh(const Tensor& x, const Tensor& w) { return UserOps::apply<Weigh>({x, w}).y; }

}  // namespace tapegrad::tests
