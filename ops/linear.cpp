// An affine map as one operation. Its gradients lie as their operands do: that of the weight would come out of
// matmul(x, transpose(weight)) across, and be copied before it can be added up.

#include <tapegrad/core/create.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/kernels/gemm.hpp>
#include <tapegrad/ops/linear.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct Linear {
  struct In {
    Tensor x, weight;
    op::Optional<> bias = {};
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor x, weight;
  };
  static constexpr OpInfo info{.name = "linear",
                               .formula = "y = x Wᵀ + b",
                               .doc = "An affine map of the last axis.",
                               .group = Group::contraction};

  static void check(const In& in) {
    const Shape &x = in.x.shape(), &w = in.weight.shape();
    if (w.rank() != 2 || x.rank() < 1 || x[-1] != w[1])
      throw ShapeError("linear: x is " + to_string(x) + ", the weight " + to_string(w) +
                       "; expected [..., in] and [out, in]");
    if (in.bias.defined() && in.bias.shape() != Shape{w[0]})
      throw ShapeError("linear: the bias is " + to_string(in.bias.shape()) + ", the weight " + to_string(w) +
                       "; expected [out]");
  }

  static Out shapes(const In& in) {
    return {op::spec(in.x.shape().with(in.x.rank() - 1, in.weight.shape()[0]), in.x.dtype())};
  }

  static Kept forward(const In& in, Out& out) {
    if (out.y.numel() > 0) dispatch_floating(out.y.dtype(), [&]<class T>() { multiply<T>(in, out.y); });
    return {op::keep_for(in.weight, in.x), op::keep_for(in.x, in.weight)};
  }

  static In pull(const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    In d;
    const auto rows = [](const Tensor& t) { return t.rank() == 2 ? t : reshape(t, {rows_in(t), t.shape()[-1]}); };
    if (wanted(&In::x)) d.x = matmul(g.y, kept.weight);
    if (wanted(&In::weight)) d.weight = matmul(transpose(rows(g.y)), rows(kept.x));
    if (wanted(&In::bias)) d.bias = g.y;  // the engine adds up the rows
    return d;
  }

  static Cost cost(const In& in, const Out& out) {
    const auto elements = static_cast<double>(in.x.numel() + in.weight.numel() + out.y.numel());
    return {2.0 * static_cast<double>(out.y.numel()) * static_cast<double>(in.x.shape()[-1]),
            elements * static_cast<double>(size_of(out.y.dtype()))};
  }

  static std::vector<SampleOf<Linear>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({2, 3}), x({4, 3}), x({4})}},
            {{x({3}), x({2, 3}), x({2})}},
            {{x({2, 2, 3}), x({2, 3}), x({2})}},
            {{x({1, 3}), x({2, 3})}},
            {{transpose(x({3, 2})), transpose(x({3, 4})), x({4})}},
            {{x({0, 3}), x({2, 3}), x({2})}},
            {{x({2, 0}), x({3, 0}), x({3})}}};
  }
  static std::vector<BadInputOf<Linear>> bad_inputs() {
    return {
        {{zeros({2, 3}), zeros({3, 4})},
         {},
         "linear: x is [2, 3], the weight [3, 4]; expected [..., in] and [out, in]"},
        {{zeros({}), zeros({3, 4})}, {}, "linear: x is []"},
        {{zeros({3}), zeros({3})}, {}, "the weight [3]; expected [..., in] and [out, in]"},
        {{zeros({2, 3}), zeros({4, 3}), zeros({3})}, {}, "linear: the bias is [3], the weight [4, 3]; expected [out]"}};
  }

 private:
  static std::int64_t rows_in(const Tensor& t) {
    std::int64_t rows = 1;
    for (int axis = 0; axis + 1 < t.rank(); ++axis) rows *= t.shape()[axis];
    return rows;
  }

  template <class T>
  static void multiply(const In& in, Tensor& y) {
    const std::int64_t out = in.weight.shape()[0], inner = in.weight.shape()[1], rows = y.numel() / out;
    T* to = y.mutable_data<T>().data();
    if (in.bias.defined()) {
      const T* bias = in.bias.template data<T>().data();
      for_blocks(rows, rows_of(1 << 14, out), y.numel() >= 1 << 17, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) std::copy_n(bias, out, to + row * out);
      });
    }
    if (inner == 0 && !in.bias.defined()) y.fill(0);
    if (inner == 0) return;
    kernels::gemm({in.x.data<T>().data(), rows, inner, inner, 1}, {in.weight.data<T>().data(), inner, out, 1, inner},
                  in.bias.defined() ? T{1} : T{0}, {to, rows, out, out, 1});
  }
};

using LinearOps = OpList<Linear>;

}  // namespace ops

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return ops::LinearOps::apply<ops::Linear>({x, weight, bias}).y;
}

std::span<const OpEntry> linear_ops() { return ops::LinearOps::entries; }

}  // namespace tapegrad
