#include <algorithm>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/broadcast.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/kernels/gemm.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct MatMul {
  struct In {
    Tensor a, b;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor a, b;
  };
  static constexpr OpInfo info{.name = "matmul",
                               .formula = "y = a b",
                               .doc = "Matrix product of the last two axes; the others broadcast.",
                               .forward = Forward::multilinear,
                               .group = Group::contraction};
  static constexpr bool takes_strides = true;

  static Shape batch_of(const Shape& s) { return Shape(s.dims().first(static_cast<std::size_t>(s.rank() - 2))); }

  static Shape batch_of(const Shape& a, const Shape& b) try {
    return broadcast_shapes("matmul", batch_of(a), batch_of(b));
  } catch (const ShapeError&) {
    throw ShapeError("matmul: a is " + to_string(a) + " and b " + to_string(b) + "; their batches " +
                     to_string(batch_of(a)) + " and " + to_string(batch_of(b)) + " do not broadcast");
  }

  static void check(const In& in) {
    const Shape &a = in.a.shape(), &b = in.b.shape();
    if (a.rank() < 2 || b.rank() < 2 || a[-1] != b[-2])
      throw ShapeError("matmul: a is " + to_string(a) + " and b " + to_string(b) +
                       "; the last extent of a must equal the last but one of b" +
                       (a.rank() >= 2 && b.rank() >= 2 && a[-1] == b[-1] ? "; transpose(b) would fit" : ""));
  }

  static Out shapes(const In& in) {
    const Shape &a = in.a.shape(), &b = in.b.shape(), batch = batch_of(a, b);
    return {op::spec(batch.insert(batch.rank(), a[-2]).insert(batch.rank() + 1, b[-1]), in.a.dtype())};
  }

  static Kept forward(const In& in, Out& out) {
    dispatch_floating(out.y.dtype(), [&]<class T>() { multiply<T>(in.a, in.b, out.y); });
    return {op::keep_for(in.b, in.a), op::keep_for(in.a, in.b)};
  }

  static In pull(const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    In d;
    if (wanted(&In::a)) d.a = matmul(g.y, transpose(kept.b));
    if (wanted(&In::b)) d.b = matmul(transpose(kept.a), g.y);
    return d;
  }

  static Cost cost(const In& in, const Out& out) {
    const auto elements = static_cast<double>(in.a.numel() + in.b.numel() + out.y.numel());
    return {2.0 * static_cast<double>(out.y.numel()) * static_cast<double>(in.a.shape()[-1]),
            elements * static_cast<double>(size_of(out.y.dtype()))};
  }

  static std::vector<SampleOf<MatMul>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    const Tensor square = x({3, 3});
    return {{{x({2, 3}), x({3, 4})}},
            {{x({5, 2, 3}), x({3, 4})}},
            {{x({2, 1, 2, 3}), x({3, 3, 2})}},
            {{transpose(x({3, 2})), transpose(x({4, 3}))}},
            {{square, square}},
            {{x({2, 0}), x({0, 3})}},
            {{x({0, 3}), x({3, 2})}}};
  }
  static std::vector<BadInputOf<MatMul>> bad_inputs() {
    return {{{zeros({2, 3}), zeros({4, 5})}, {}, "matmul: a is [2, 3] and b [4, 5]"},
            {{zeros({2, 3}), zeros({4, 3})}, {}, "transpose(b) would fit"},
            {{zeros({2, 2, 3}), zeros({3, 3, 4})},
             {},
             "matmul: a is [2, 2, 3] and b [3, 3, 4]; their batches [2] and [3] do not broadcast"},
            {{zeros({3}), zeros({3, 4})}, {}, "matmul: a is [3]"}};
  }

 private:
  // A matrix whose steps gemm can take, else a dense copy.
  static Tensor readable(const Tensor& t) {
    const Strides s = t.strides();
    const auto rank = static_cast<std::size_t>(t.rank());
    const std::int64_t row = s[rank - 2], column = s[rank - 1];
    const bool fits = (column == 1 && row >= t.shape()[-1]) || (row == 1 && column >= t.shape()[-2]);
    return fits ? t : t.contiguous();
  }

  template <class T>
  static kernels::MatrixView<const T> matrix(const Tensor& t, std::int64_t offset) {
    const Strides s = t.strides();
    const auto rank = static_cast<std::size_t>(t.rank());
    return {reinterpret_cast<const T*>(engine::node_of(t).data) + offset, t.shape()[-2], t.shape()[-1], s[rank - 2],
            s[rank - 1]};
  }

  template <class T>
  static void multiply(const Tensor& a_given, const Tensor& b_given, Tensor& y) {
    if (y.numel() == 0) return;
    if (a_given.shape()[-1] == 0) return y.fill(0);
    const Tensor a = readable(a_given), b = readable(b_given);
    T* out = y.mutable_data<T>().data();
    const std::int64_t rows = y.shape()[-2], columns = y.shape()[-1];
    // Batches of a against one b are one tall product.
    if (b.rank() == 2 && a.is_contiguous()) {
      const std::int64_t tall = y.numel() / columns, inner = a.shape()[-1];
      return kernels::gemm({reinterpret_cast<const T*>(engine::node_of(a).data), tall, inner, inner, 1},
                           matrix<T>(b, 0), T{0}, {out, tall, columns, columns, 1});
    }
    const Shape batch = batch_of(y.shape());
    const Tensor a_all = broadcast_batch(a, batch), b_all = broadcast_batch(b, batch);
    const std::int64_t count = batch.numel();
    const double flops = 2.0 * static_cast<double>(y.numel()) * static_cast<double>(a.shape()[-1]);
    for_chunks(count, count > 1 && flops > (1 << 21), [&](std::int64_t i) {
      kernels::gemm(matrix<T>(a_all, offset_of(a_all, batch, i)), matrix<T>(b_all, offset_of(b_all, batch, i)), T{0},
                    {out + i * rows * columns, rows, columns, columns, 1});
    });
  }

  static Tensor broadcast_batch(const Tensor& t, const Shape& batch) {
    const Strides own = t.strides();
    Strides strides = broadcast_strides(batch_of(t.shape()), own, batch);
    std::copy_n(own.begin() + t.rank() - 2, 2, strides.begin() + batch.rank());  // of rows and columns
    return make_view(t, batch.insert(batch.rank(), t.shape()[-2]).insert(batch.rank() + 1, t.shape()[-1]), &strides, 0);
  }

  static std::int64_t offset_of(const Tensor& t, const Shape& batch, std::int64_t i) {
    const Strides s = t.strides();
    std::int64_t offset = 0;
    for (int axis = batch.rank() - 1; axis >= 0; --axis) {
      offset += i % batch[axis] * s[static_cast<std::size_t>(axis)];
      i /= batch[axis];
    }
    return offset;
  }
};

using MatMulOps = OpList<MatMul>;

}  // namespace ops

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.rank() == 0 || b.rank() == 0)
    throw ShapeError("matmul: a is " + to_string(a.shape()) + " and b " + to_string(b.shape()) + "; use * for scalars");
  const Tensor left = a.rank() == 1 ? unsqueeze(a, 0) : a, right = b.rank() == 1 ? unsqueeze(b, 1) : b;
  Tensor y = ops::MatMulOps::apply<ops::MatMul>({left, right}).y;
  if (b.rank() == 1) y = squeeze(y, -1);
  return a.rank() == 1 ? squeeze(y, b.rank() == 1 ? -1 : -2) : y;
}

std::span<const OpEntry> matmul_ops() { return ops::MatMulOps::entries; }

}  // namespace tapegrad
