#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/summation.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/pool_windows.hpp>
#include <tapegrad/ops/internal/positions.hpp>
#include <tapegrad/ops/internal/windows.hpp>
#include <tapegrad/ops/pooling.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

struct Images {
  Tensor x;
};
struct Pooled {
  Tensor y;
};

/// What poolings, and their adjoints, have in common.
template <class Op, class A>
struct Pooling {
  using In = Images;
  using Out = Pooled;
  using Attrs = A;
  static constexpr const char* name() { return Op::info.name.data(); }
  static void check(const Attrs&, const In& in) { check_images(name(), in.x); }
  static Out shapes(const Attrs& a, const In& in) {
    return {op::spec(pooled_shape(name(), a, in.x.shape()), in.x.dtype())};
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(1, in.x, {in.x, out.y}); }
};

template <class Op, class A>
struct MaxPooling : Pooling<Op, A> {
  struct Kept {
    Tensor x, y;
  };
  using Pooling<Op, A>::name;
  static Kept forward(const A& a, const Images& in, Pooled& out) {
    if (out.y.numel() > 0)
      dispatch_floating(out.y.dtype(), [&]<class T>() {
        kernels::max_pool(max_windows(name(), a, in.x.shape()), planes(in.x.shape()), in.x.data<T>().data(),
                          out.y.mutable_data<T>().data());
      });
    return {in.x, out.y};
  }
  // Linear in g. To be differentiated again, or where very many windows share an element, it scatters to the positions
  // of the largest elements.
  static Images pull(const A& a, const Kept& kept, const Pooled& g, op::Wanted<Images>) {
    const Tensor x = kept.x.contiguous(), &y = kept.y;
    if (y.numel() == 0) return {};
    const kernels::PoolWindows windows = max_windows(name(), a, x.shape());
    return dispatch_floating(x.dtype(), [&]<class T>() -> Images {
      const T *from = x.data<T>().data(), *largest = y.data<T>().data();
      if (!grad_enabled() && kernels::longest_chain(windows) <= kChain) {
        const Tensor cotangent = g.y.contiguous();
        Tensor dx = empty(x.shape(), x.dtype());
        kernels::max_pool_gradient(windows, planes(x.shape()), from, largest, cotangent.data<T>().data(),
                                   dx.mutable_data<T>().data());
        return {dx};
      }
      const std::int64_t rows = planes(x.shape());
      Tensor positions = empty({rows, y.numel() / rows}, i64);
      kernels::max_pool_positions(windows, rows, from, largest, positions.mutable_data<std::int64_t>().data());
      const Tensor target = zeros_view({rows, x.numel() / rows}, x.dtype());
      return {reshape(scatter_add(target, 1, positions, reshape(g.y, positions.shape())), x.shape())};
    });
  }
};

/// The mean over windows; linear, and the adjoint of Unpooling.
template <class Op, class Adjoint, class A>
struct AvgPooling : Pooling<Op, A> {
  using Pooling<Op, A>::name;
  static void forward(const A& a, const Images& in, Pooled& out) {
    if (out.y.numel() > 0) map_axes(mean_maps(name(), a, in.x.shape()), in.x, out.y);
  }
  static Images pull(const A& a, const Pooled& g, op::Wanted<Images> wanted) {
    return {apply<Adjoint>({a, extents_of(wanted.shape(&Images::x))}, {g.y}).y};
  }
};

template <class A>
struct UnpoolAttrs : A {
  Integers extents = {};
  bool operator==(const UnpoolAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple_cat(A::fields(), std::tuple{Field{"extents", &UnpoolAttrs::extents, "of the result's axes"}});
  }
};

/// Spreads each element evenly over its window.
template <class Op, class Adjoint, class A>
struct Unpooling : Pooling<Op, UnpoolAttrs<A>> {
  using Attrs = UnpoolAttrs<A>;
  using Pooling<Op, Attrs>::name;
  static Pooled shapes(const Attrs& a, const Images& in) {
    const Shape& x = in.x.shape();
    const Shape y = with_extents(x[0], x[1], for_axes(name(), "extents", a.extents, x.rank() - 2, 1, 0));
    const Shape wanted = pooled_shape(name(), a, y);
    if (x != wanted)
      throw ShapeError(std::string(name()) + ": x is " + to_string(x) + "; the pooling of " + to_string(y) +
                       " has shape " + to_string(wanted));
    return {op::spec(y, in.x.dtype())};
  }
  static void forward(const Attrs& a, const Images& in, Pooled& out) {
    if (out.y.numel() > 0) map_axes(transposed(mean_maps(name(), a, out.y.shape())), in.x, out.y);
  }
  static Images pull(const Attrs& a, const Pooled& g, op::Wanted<Images>) { return {apply<Adjoint>(a, {g.y}).y}; }
};

}  // namespace

namespace ops {

struct MaxPool : MaxPooling<MaxPool, MaxPoolAttrs> {
  static constexpr OpInfo info{.name = "max_pool",
                               .formula = "y[p] = max over k of x[p · stride - padding + k · dilation]",
                               .doc = "NaN where there is one; the gradient goes to the first of equal elements.",
                               .group = Group::reduction};
  static std::vector<SampleOf<MaxPool>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({1, 2, 6})}, {{.kernel_size = {2}}}},
            {{x({1, 2, 4, 3})}, {{.kernel_size = {3, 2}, .stride = {1}, .padding = {1}}}},
            {{x({1, 1, 5, 4})}, {{.kernel_size = {2}, .ceil_mode = true}}},
            {{x({1, 1, 6, 4})}, {{.kernel_size = {2}, .stride = {2, 1}}, {3, 2}}},
            {{x({1, 1, 2, 3, 4})}, {{.kernel_size = {2}, .stride = {1}}}},
            {{transpose(x({1, 1, 3, 4}))}, {{.kernel_size = {2}}}},
            {{x({0, 1, 4})}, {{.kernel_size = {2}}}}};
  }
  static std::vector<BadInputOf<MaxPool>> bad_inputs() {
    const Tensor x = zeros({1, 2, 4, 4});
    return {
        {{zeros({4, 4})}, {{.kernel_size = {2}}}, "x is [4, 4]; expected [N, C, L]"},
        {{x}, {}, "kernel_size is []; give the extents of the window"},
        {{x}, {{.kernel_size = {2, 2, 2}}}, "kernel_size is [2, 2, 2] for 2 spatial axes"},
        {{x}, {{.kernel_size = {0}}}, "kernel_size is [0]; expected 1 or more"},
        {{x}, {{.kernel_size = {2}, .padding = {2}}}, "padding is [2, 2], kernel_size [2, 2]; expected at most half"},
        {{x}, {{.kernel_size = {5, 2}}}, "a window of [5, 2] does not fit x [1, 2, 4, 4] on axis 2, padded to 4"},
        {{zeros({1, 1, 1})}, {{.kernel_size = {2}, .padding = {1}}, {2}}, "covers padding only"},
        {{x}, {{.kernel_size = {2}, .stride = {0}}}, "stride is [0]; expected 1 or more"}};
  }
};

struct AdaptiveMaxPool : MaxPooling<AdaptiveMaxPool, AdaptiveAttrs> {
  static constexpr OpInfo info{.name = "adaptive_max_pool",
                               .formula = "y[o] = max x[⌊o · extent / parts⌋ … ⌈(o + 1) · extent / parts⌉)",
                               .doc = "NaN where there is one; the gradient goes to the first of equal elements.",
                               .group = Group::reduction};
  static std::vector<SampleOf<AdaptiveMaxPool>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({1, 2, 5})}, {{3}}},
            {{x({1, 2, 3, 4})}, {{1}}},
            {{x({1, 1, 4, 3})}, {{2, 5}}},
            {{x({1, 1, 3, 2, 3})}, {{2, 1, 2}}},
            {{transpose(x({1, 1, 3, 4}))}, {{2}}},
            {{x({0, 1, 4})}, {{2}}},
            {{x({1, 2, 0})}, {{0}}}};
  }
  static std::vector<BadInputOf<AdaptiveMaxPool>> bad_inputs() {
    return {{{zeros({4, 4})}, {{2}}, "x is [4, 4]; expected [N, C, L]"},
            {{zeros({1, 2, 4, 4})}, {}, "output_size is []; give the extents of the result"},
            {{zeros({1, 2, 4, 4})}, {{-1}}, "output_size is [-1]; expected 0 or more"},
            {{zeros({1, 2, 0, 4})}, {{2}}, "x is [1, 2, 0, 4]; there is nothing on axis 2 to make 2 parts of"}};
  }
};

struct AvgUnpool;
struct AdaptiveAvgUnpool;

struct AvgPool : AvgPooling<AvgPool, AvgUnpool, AvgPoolAttrs> {
  static constexpr OpInfo info{.name = "avg_pool",
                               .formula = "y[p] = mean over k of x[p · stride - padding + k]",
                               .doc = "The mean of each window.",
                               .forward = Forward::linear,
                               .group = Group::reduction};
  static std::vector<SampleOf<AvgPool>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({1, 2, 6})}, {{.kernel_size = {2}}}},
            {{x({1, 2, 4, 3})}, {{.kernel_size = {3, 2}, .stride = {1}, .padding = {1}}}},
            {{x({1, 1, 4, 5})}, {{.kernel_size = {3, 2}, .stride = {2}, .padding = {1}, .ceil_mode = true}}},
            {{x({1, 1, 4, 5})}, {{.kernel_size = {3, 2}, .stride = {2}, .padding = {1}, .ceil_mode = true}, false}},
            {{x({1, 1, 2, 3, 4})}, {{.kernel_size = {2}, .stride = {1}}}},
            {{transpose(x({1, 1, 3, 4}))}, {{.kernel_size = {2}}}},
            {{x({0, 1, 4})}, {{.kernel_size = {2}}}}};
  }
  static std::vector<BadInputOf<AvgPool>> bad_inputs() {
    const Tensor x = zeros({1, 2, 4, 4});
    return {{{zeros({4, 4})}, {{.kernel_size = {2}}}, "x is [4, 4]; expected [N, C, L]"},
            {{x}, {{.kernel_size = {3}, .padding = {2}}}, "expected at most half the window"},
            {{x}, {{.kernel_size = {5}}}, "does not fit x [1, 2, 4, 4] on axis 2"}};
  }
};

struct AvgUnpool : Unpooling<AvgUnpool, AvgPool, AvgPoolAttrs> {
  static constexpr OpInfo info{.name = "avg_unpool",
                               .formula = "y[p · stride - padding + k] += x[p] / size of the window",
                               .doc = "The adjoint of avg_pool.",
                               .forward = Forward::linear,
                               .group = Group::reduction};
  static std::vector<SampleOf<AvgUnpool>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({1, 2, 3})}, {{{.kernel_size = {2}}}, {6}}},
            {{x({1, 2, 4, 4})}, {{{.kernel_size = {3, 2}, .stride = {1}, .padding = {1}}}, {4, 3}}},
            {{x({0, 1, 2})}, {{{.kernel_size = {2}}}, {4}}}};
  }
  static std::vector<BadInputOf<AvgUnpool>> bad_inputs() {
    return {
        {{zeros({1, 2, 4})}, {{{.kernel_size = {2}}}, {6}}, "x is [1, 2, 4]; the pooling of [1, 2, 6] has shape [1, "},
        {{zeros({2, 4})}, {{{.kernel_size = {2}}}, {6}}, "x is [2, 4]; expected [N, C, L]"}};
  }
};

struct AdaptiveAvgPool : AvgPooling<AdaptiveAvgPool, AdaptiveAvgUnpool, AdaptiveAttrs> {
  static constexpr OpInfo info{.name = "adaptive_avg_pool",
                               .formula = "y[o] = mean x[⌊o · extent / parts⌋ … ⌈(o + 1) · extent / parts⌉)",
                               .doc = "The mean of each part.",
                               .forward = Forward::linear,
                               .group = Group::reduction};
  static std::vector<SampleOf<AdaptiveAvgPool>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({1, 2, 5})}, {{3}}},
            {{x({1, 2, 3, 4})}, {{1}}},
            {{x({1, 1, 4, 3})}, {{2, 5}}},
            {{x({1, 1, 3, 2, 3})}, {{2, 1, 2}}},
            {{transpose(x({1, 1, 3, 4}))}, {{2}}},
            {{x({0, 1, 4})}, {{2}}}};
  }
  static std::vector<BadInputOf<AdaptiveAvgPool>> bad_inputs() {
    return {{{zeros({4, 4})}, {{2}}, "x is [4, 4]; expected [N, C, L]"},
            {{zeros({1, 2, 4, 4})}, {{1, 2, 3}}, "output_size is [1, 2, 3] for 2 spatial axes"},
            {{zeros({1, 2, 0})}, {{1}}, "there is nothing on axis 2 to make 1 parts of"}};
  }
};

struct AdaptiveAvgUnpool : Unpooling<AdaptiveAvgUnpool, AdaptiveAvgPool, AdaptiveAttrs> {
  static constexpr OpInfo info{
      .name = "adaptive_avg_unpool",
      .formula = "y[⌊o · extent / parts⌋ … ⌈(o + 1) · extent / parts⌉) += x[o] / size of the part",
      .doc = "The adjoint of adaptive_avg_pool.",
      .forward = Forward::linear,
      .group = Group::reduction};
  static std::vector<SampleOf<AdaptiveAvgUnpool>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({1, 2, 3})}, {{{3}}, {5}}}, {{x({1, 2, 1, 1})}, {{{1}}, {3, 4}}}, {{x({0, 1, 2})}, {{{2}}, {4}}}};
  }
  static std::vector<BadInputOf<AdaptiveAvgUnpool>> bad_inputs() {
    return {{{zeros({1, 2, 4})}, {{{2}}, {6}}, "x is [1, 2, 4]; the pooling of [1, 2, 6] has shape [1, 2, 2]"},
            {{zeros({2, 4})}, {{{2}}, {6}}, "x is [2, 4]; expected [N, C, L]"}};
  }
};

struct MaxPoolPositions : Pooling<MaxPoolPositions, MaxPoolAttrs> {
  static constexpr OpInfo info{
      .name = "max_pool_positions",
      .formula = "y[p] = the place of max over k of x[p · stride - padding + k · dilation]",
      .doc = "In row-major order of the spatial axes; of equal elements the first, of NaN the first.",
      .differentiable = false,
      .group = Group::reduction};
  static Out shapes(const Attrs& a, const In& in) { return {op::spec(pooled_shape(name(), a, in.x.shape()), i64)}; }
  static void forward(const Attrs& a, const In& in, Out& out) {
    if (out.y.numel() == 0) return;
    dispatch_floating(in.x.dtype(), [&]<class T>() {
      const kernels::PoolWindows windows = max_windows(name(), a, in.x.shape());
      const std::int64_t rows = planes(in.x.shape());
      const T* from = in.x.data<T>().data();
      Tensor largest = empty(out.y.shape(), in.x.dtype());
      T* y = largest.mutable_data<T>().data();
      kernels::max_pool(windows, rows, from, y);
      kernels::max_pool_positions(windows, rows, from, y, out.y.mutable_data<std::int64_t>().data());
    });
  }
  static std::vector<SampleOf<MaxPoolPositions>> samples(Rng& rng) {
    return {{{randn({1, 2, 6}, f64, rng)}, {{.kernel_size = {2}}}},
            {{randn({1, 2, 4, 3}, f64, rng)}, {{.kernel_size = {3, 2}, .stride = {1}, .padding = {1}}}},
            {{zeros({0, 1, 4}, f64)}, {{.kernel_size = {2}}}}};
  }
  static std::vector<BadInputOf<MaxPoolPositions>> bad_inputs() {
    return {{{zeros({4, 4})}, {{.kernel_size = {2}}}, "x is [4, 4]; expected [N, C, L]"},
            {{zeros({1, 2, 4, 4})}, {}, "kernel_size is []; give the extents of the window"}};
  }
};

using PoolingOps =
    OpList<MaxPool, MaxPoolPositions, AdaptiveMaxPool, AvgPool, AvgUnpool, AdaptiveAvgPool, AdaptiveAvgUnpool>;

}  // namespace ops

namespace {

using ops::PoolingOps;

template <class Op = ops::MaxPool>
Tensor max_pool(const char* name, int axes, const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& o) {
  const MaxPoolAttrs a{{kernel_size.values(), o.stride.values(), attribute_of(o.padding, axes, 0), o.ceil_mode},
                       attribute_of(o.dilation, axes, 1)};
  return with_batch(name, x, axes, [&](const Tensor& batch) { return PoolingOps::apply<Op>(a, {batch}).y; });
}

Tensor avg_pool(const char* name, int axes, const Tensor& x, const PerAxis& kernel_size, const AvgPoolOptions& o) {
  const AvgPoolAttrs a{{kernel_size.values(), o.stride.values(), attribute_of(o.padding, axes, 0), o.ceil_mode},
                       o.count_include_pad};
  return with_batch(name, x, axes, [&](const Tensor& batch) { return PoolingOps::apply<ops::AvgPool>(a, {batch}).y; });
}

template <class Op>
Tensor adaptive_pool(const char* name, int axes, const Tensor& x, const PerAxis& output_size) {
  const AdaptiveAttrs a{output_size.values()};
  return with_batch(name, x, axes, [&](const Tensor& batch) { return PoolingOps::apply<Op>(a, {batch}).y; });
}

}  // namespace

Tensor max_pool1d(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options) {
  return max_pool("max_pool1d", 1, x, kernel_size, options);
}
Tensor max_pool2d(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options) {
  return max_pool("max_pool2d", 2, x, kernel_size, options);
}
Tensor max_pool3d(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options) {
  return max_pool("max_pool3d", 3, x, kernel_size, options);
}

Tensor max_pool1d_positions(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options) {
  return max_pool<ops::MaxPoolPositions>("max_pool1d_positions", 1, x, kernel_size, options);
}
Tensor max_pool2d_positions(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options) {
  return max_pool<ops::MaxPoolPositions>("max_pool2d_positions", 2, x, kernel_size, options);
}
Tensor max_pool3d_positions(const Tensor& x, const PerAxis& kernel_size, const MaxPoolOptions& options) {
  return max_pool<ops::MaxPoolPositions>("max_pool3d_positions", 3, x, kernel_size, options);
}

Tensor max_unpool(const Tensor& x, const Tensor& positions, const PerAxis& output_size) {
  check_images("max_unpool", x);
  if (positions.shape() != x.shape())
    throw ShapeError("max_unpool: x is " + to_string(x.shape()) + " and positions " + to_string(positions.shape()) +
                     "; they must have one shape");
  const Integers extents = for_axes("max_unpool", "output_size", output_size.values(), x.rank() - 2, 1, 0);
  const Shape y = with_extents(x.shape()[0], x.shape()[1], extents);
  const std::int64_t rows = planes(x.shape());
  if (x.numel() == 0 || y.numel() == 0) return zeros(y, x.dtype());
  const Shape flat{rows, x.numel() / rows};
  const Tensor target = zeros_view({rows, y.numel() / rows}, x.dtype());
  return reshape(scatter_add(target, 1, reshape(positions, flat), reshape(x, flat)), y);
}

Tensor avg_pool1d(const Tensor& x, const PerAxis& kernel_size, const AvgPoolOptions& options) {
  return avg_pool("avg_pool1d", 1, x, kernel_size, options);
}
Tensor avg_pool2d(const Tensor& x, const PerAxis& kernel_size, const AvgPoolOptions& options) {
  return avg_pool("avg_pool2d", 2, x, kernel_size, options);
}
Tensor avg_pool3d(const Tensor& x, const PerAxis& kernel_size, const AvgPoolOptions& options) {
  return avg_pool("avg_pool3d", 3, x, kernel_size, options);
}

Tensor adaptive_avg_pool1d(const Tensor& x, const PerAxis& output_size) {
  return adaptive_pool<ops::AdaptiveAvgPool>("adaptive_avg_pool1d", 1, x, output_size);
}
Tensor adaptive_avg_pool2d(const Tensor& x, const PerAxis& output_size) {
  return adaptive_pool<ops::AdaptiveAvgPool>("adaptive_avg_pool2d", 2, x, output_size);
}
Tensor adaptive_avg_pool3d(const Tensor& x, const PerAxis& output_size) {
  return adaptive_pool<ops::AdaptiveAvgPool>("adaptive_avg_pool3d", 3, x, output_size);
}
Tensor adaptive_max_pool1d(const Tensor& x, const PerAxis& output_size) {
  return adaptive_pool<ops::AdaptiveMaxPool>("adaptive_max_pool1d", 1, x, output_size);
}
Tensor adaptive_max_pool2d(const Tensor& x, const PerAxis& output_size) {
  return adaptive_pool<ops::AdaptiveMaxPool>("adaptive_max_pool2d", 2, x, output_size);
}
Tensor adaptive_max_pool3d(const Tensor& x, const PerAxis& output_size) {
  return adaptive_pool<ops::AdaptiveMaxPool>("adaptive_max_pool3d", 3, x, output_size);
}

std::span<const OpEntry> pooling_ops() { return PoolingOps::entries; }

}  // namespace tapegrad
