#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/broadcast.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/attention.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/positions.hpp>
#include <tapegrad/ops/kernels/softmax.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/sampling.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

/// Some rows of scores at a time, one thread's work.
template <class Body>
void for_row_blocks(std::int64_t rows, std::int64_t width, const Body& body) {
  constexpr std::int64_t kElements = 1 << 13, kParallelElements = 1 << 16;
  for_blocks(rows, rows_of(kElements, width), rows * width >= kParallelElements, body);
}

/// The mask in the scores' shape, one row at a time.
class MaskRows {
 public:
  MaskRows(const Tensor& mask, const Shape& scores) : width_(scores[-1]) {
    if (!mask.defined()) return;
    dense_ = mask.contiguous();
    const Strides steps = broadcast_strides(dense_.shape(), dense_.strides(), scores);
    const int last = scores.rank() - 1;
    rows_ = places_along(scores, steps, 0, last);
    step_ = steps[static_cast<std::size_t>(last)];
  }

  bool hides_some() const { return dense_.defined(); }
  /// Sets what row `row` does not see to -inf.
  template <class T>
  void hide(std::int64_t row, T* scores) const {
    const bool* seen = dense_.data<bool>().data() + rows_[static_cast<std::size_t>(row)];
    for (std::int64_t i = 0; i < width_; ++i)
      scores[i] = seen[i * step_] ? scores[i] : -std::numeric_limits<T>::infinity();
  }

 private:
  std::int64_t width_, step_ = 0;
  Tensor dense_;
  std::vector<std::int64_t> rows_;  // where the mask of each row begins
};

}  // namespace

namespace ops {

struct MaskedSoftmax {
  struct In {
    Tensor x;
    op::Optional<op::Fixed> mask = {};
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor y;
  };
  struct Attrs {
    double scale = 1;
    bool causal = false;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"scale", &Attrs::scale, "factor of x"},
                        Field{"causal", &Attrs::causal, "row i sees elements 0 to i only"}};
    }
  };
  static constexpr OpInfo info{.name = "masked_softmax",
                               .formula = "y = eˢˣ / Σ eˢˣ over what is seen, else 0",
                               .doc = "The weights of attention; rows that see nothing are 0, with gradient 0.",
                               .forward = Forward::symmetric,
                               .group = Group::normalization,
                               .source = "Vaswani et al., Attention Is All You Need, NeurIPS 2017"};

  static void check(const Attrs& a, const In& in) {
    const auto& [x, mask] = in;
    if (x.rank() < (a.causal ? 2 : 1))
      throw ShapeError("masked_softmax: x is " + to_string(x.shape()) + "; expected [..., S]" +
                       (a.causal ? ", with rows [..., L, S] to be causal" : ""));
    require_finite(info.name, "scale", a.scale);
    if (mask.defined() && mask.dtype() != boolean)
      throw DTypeError("masked_softmax: mask is " + describe(mask) + ", not bool; add masks of floats to x");
    if (mask.defined() && !broadcasts_to(mask.shape(), x.shape()))
      throw ShapeError("masked_softmax: mask is " + to_string(mask.shape()) + ", x " + to_string(x.shape()) +
                       "; expected a mask that broadcasts to x");
  }
  static Out shapes(const Attrs&, const In& in) { return {op::spec(in.x.shape(), in.x.dtype())}; }

  static Kept forward(const Attrs& a, const In& in, Out& out) {
    if (out.y.numel() == 0) return {out.y};
    const Shape& shape = in.x.shape();
    const std::int64_t width = shape[-1], rows = in.x.numel() / width, queries = shape.rank() > 1 ? shape[-2] : 1;
    const MaskRows masks(in.mask, shape);
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      const T* from = in.x.data<T>().data();
      T* to = out.y.mutable_data<T>().data();
      const T scale = static_cast<T>(a.scale);
      for_row_blocks(rows, width, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t r = first; r < last; ++r) {
          const T* scores = from + r * width;
          T* seen_scores = to + r * width;
          const std::int64_t seen = a.causal ? std::min(width, r % queries + 1) : width;
#pragma omp simd
          for (std::int64_t i = 0; i < seen; ++i) seen_scores[i] = scale * scores[i];
          std::fill(seen_scores + seen, seen_scores + width, -std::numeric_limits<T>::infinity());
          if (masks.hides_some()) masks.hide(r, seen_scores);
        }
        kernels::softmax(Slab{last - first, width, 1}, to + first * width, to + first * width);
      });
    });
    return {out.y};
  }

  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const Tensor& y = kept.y;
    if (grad_enabled()) return {y * (g.y - sum(g.y * y, {-1}, true)) * a.scale};
    Tensor dx = empty(y.shape(), y.dtype());
    if (y.numel() == 0) return {dx};
    const Tensor dense = g.y.contiguous();
    const std::int64_t width = y.shape()[-1], rows = y.numel() / width;
    dispatch_floating(y.dtype(), [&]<class T>() {
      const T *cotangent = dense.data<T>().data(), *share = y.data<T>().data();
      T* to = dx.mutable_data<T>().data();
      for_row_blocks(rows, width, [&](std::int64_t first, std::int64_t last) {
        const std::int64_t begin = first * width, end = last * width;
        kernels::softmax_gradient(Slab{last - first, width, 1}, cotangent + begin, share + begin, to + begin);
        if (a.scale == 1) return;
        const T scale = static_cast<T>(a.scale);
#pragma omp simd
        for (std::int64_t i = begin; i < end; ++i) to[i] *= scale;
      });
    });
    return {dx};
  }
  static Cost cost(const Attrs&, const In& in, const Out& out) { return internal::one_pass(14, out.y, {in.x, out.y}); }

  static Tensor mask_of(std::initializer_list<double> values, const Shape& shape) {
    return tensor(values, shape, boolean);
  }
  static std::vector<SampleOf<MaskedSoftmax>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    return {{{x({3, 4})}, {}},
            {{x({2, 3, 3})}, {0.5, true}},
            {{x({2, 4}), mask_of({1, 0, 1, 1, 0, 0, 0, 0}, {2, 4})}, {2, false}},
            {{x({2, 2, 3}), mask_of({1, 0, 1, 0, 1, 1}, {2, 1, 3})}, {-0.5, true}},
            {{x({2, 5}), mask_of({1, 0}, {2, 1})}, {1, true}},
            {{transpose(x({4, 2})), mask_of({1, 1, 0, 1}, {4})}, {}},
            {{x({3})}, {}},
            {{x({0, 3}), mask_of({1, 0, 1}, {3})}, {1, true}},
            {{x({2, 0})}, {}}};
  }
  static std::vector<BadInputOf<MaskedSoftmax>> bad_inputs() {
    return {{{zeros({})}, {}, "x is []; expected [..., S]"},
            {{zeros({3})}, {1, true}, "x is [3]; expected [..., S], with rows [..., L, S] to be causal"},
            {{zeros({2, 3}), zeros({2, 3})}, {}, "not bool; add masks of floats to x"},
            {{zeros({2, 3}), zeros({2}, boolean)}, {}, "mask is [2], x [2, 3]; expected a mask that broadcasts to x"},
            {{zeros({3}), zeros({2, 3}, boolean)}, {}, "mask is [2, 3], x [3]"},
            {{zeros({3})}, {NAN, false}, "scale is nan; it must be finite"}};
  }
};

using AttentionOps = OpList<MaskedSoftmax>;

}  // namespace ops

Tensor masked_softmax(const Tensor& scores, const Tensor& mask, bool causal, double scale) {
  return ops::AttentionOps::apply<ops::MaskedSoftmax>({scale, causal}, {scores, mask}).y;
}

Tensor attention_weights(const Tensor& query, const Tensor& key, const AttentionOptions& options) {
  const auto describe_both = [&] { return "query is " + to_string(query.shape()) + ", key " + to_string(key.shape()); };
  if (query.rank() < 2 || key.rank() < 2 || query.shape()[-1] != key.shape()[-1])
    throw ShapeError("attention_weights: " + describe_both() + "; expected [..., L, E] and [..., S, E]");
  if (query.shape()[-1] == 0 && options.scale == 0)
    throw ShapeError("attention_weights: " + describe_both() + "; vectors without elements need a scale");
  double scale = options.scale;
  if (scale == 0) scale = 1 / std::sqrt(static_cast<double>(query.shape()[-1]));
  const Tensor scores = matmul(query, transpose(key));
  // A mask that is added comes after the scale; else the scale is part of the softmax' own pass.
  if (options.mask.defined() && options.mask.dtype() != boolean)
    return masked_softmax(scores * scale + options.mask, {}, options.causal);
  return masked_softmax(scores, options.mask, options.causal, scale);
}

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options) {
  if (value.rank() < 2 || key.rank() < 2 || key.shape()[-2] != value.shape()[-2])
    throw ShapeError("scaled_dot_product_attention: key is " + to_string(key.shape()) + ", value " +
                     to_string(value.shape()) + "; expected [..., S, E] and [..., S, V]");
  const Tensor weights = attention_weights(query, key, options);
  return matmul(dropout(weights, options.dropout, options.rng ? *options.rng : default_rng()), value);
}

std::span<const OpEntry> attention_ops() { return ops::AttentionOps::entries; }

}  // namespace tapegrad
