#include <algorithm>
#include <cmath>
#include <limits>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/parallel.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/attention.hpp>
#include <tapegrad/ops/contraction.hpp>
#include <tapegrad/ops/internal/accuracy.hpp>
#include <tapegrad/ops/internal/attention_heads.hpp>
#include <tapegrad/ops/internal/costs.hpp>
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
      return std::tuple{Field{"scale", &Attrs::scale, "factor of the scores"},
                        Field{"causal", &Attrs::causal, "query i sees keys 0 to i only"}};
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
    const internal::MaskRows masks(in.mask, shape);
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
          if (masks.hides_some()) masks.hide(r, width, seen_scores);
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

/// Scores, their softmax and what is mixed by them, some queries at a time.
struct Attention {
  struct In {
    Tensor query, key, value;
    op::Optional<op::Fixed> mask = {};
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor query, key, value, mask;
  };
  using Attrs = MaskedSoftmax::Attrs;
  static constexpr OpInfo info{.name = "attention",
                               .formula = "y = masked_softmax(s Q Kᵀ) V",
                               .doc = "Values mixed by how well their keys match a query; the weights are not kept.",
                               .group = Group::contraction,
                               .source = "Dao et al., FlashAttention, NeurIPS 2022",
                               .accuracy = {.ulps = internal::kNoBound, .reason = "scores may leave the range"}};
  static constexpr bool takes_strides = true;

  static Shape scores_of(const Tensor& query, const Tensor& key) {
    return query.shape().with(query.rank() - 1, key.shape()[-2]);
  }

  static void check(const Attrs& a, const In& in) {
    const Shape &q = in.query.shape(), &k = in.key.shape(), &v = in.value.shape();
    const bool fit = q.rank() >= 2 && k.rank() == q.rank() && v.rank() == q.rank() &&
                     k == q.with(q.rank() - 2, k[-2]) && v == k.with(k.rank() - 1, v[-1]);
    if (!fit)
      throw ShapeError("attention: query is " + to_string(q) + ", key " + to_string(k) + ", value " + to_string(v) +
                       "; expected [..., L, E], [..., S, E] and [..., S, V]");
    require_finite(info.name, "scale", a.scale);
    if (in.mask.defined() && in.mask.dtype() != boolean)
      throw DTypeError("attention: mask is " + describe(in.mask) + ", not bool");
    if (in.mask.defined() && !broadcasts_to(in.mask.shape(), scores_of(in.query, in.key)))
      throw ShapeError("attention: mask is " + to_string(in.mask.shape()) + "; expected one that broadcasts to " +
                       to_string(scores_of(in.query, in.key)));
  }
  static Out shapes(const Attrs&, const In& in) {
    return {op::spec(in.query.shape().with(in.query.rank() - 1, in.value.shape()[-1]), in.query.dtype())};
  }

  static Kept forward(const Attrs& a, const In& in, Out& out) {
    if (out.y.numel() > 0)
      dispatch_floating(out.y.dtype(), [&]<class T>() {
        internal::AttentionHeads<T>(a.scale, a.causal, in.query, in.key, in.value, in.mask)
            .forward(out.y.mutable_data<T>().data());
      });
    return {in.query, in.key, in.value, in.mask};
  }

  static In pull(const Attrs& a, const Kept& kept, const Out& g, op::Wanted<In>) {
    const Tensor &query = kept.query, &key = kept.key, &value = kept.value, &mask = kept.mask;
    In d;
    if (grad_enabled()) {
      const Tensor weights = masked_softmax(matmul(query, transpose(key)), mask, a.causal, a.scale);
      const Tensor back = matmul(g.y, transpose(value));
      const Tensor scores = weights * (back - sum(back * weights, {-1}, true)) * a.scale;
      d.query = matmul(scores, key);
      d.key = matmul(transpose(scores), query);
      d.value = matmul(transpose(weights), g.y);
      return d;
    }
    d.query = zeros(query.shape(), query.dtype());
    d.key = zeros(key.shape(), query.dtype());
    d.value = zeros(value.shape(), query.dtype());
    if (g.y.numel() == 0 || key.numel() == 0) return d;
    const Tensor cotangent = g.y.contiguous();
    dispatch_floating(query.dtype(), [&]<class T>() {
      internal::AttentionHeads<T>(a.scale, a.causal, query, key, value, mask)
          .backward(cotangent.data<T>().data(), d.query.mutable_data<T>().data(), d.key.mutable_data<T>().data(),
                    d.value.mutable_data<T>().data());
    });
    return d;
  }

  static Cost cost(const Attrs&, const In& in, const Out& out) {
    const auto scores = static_cast<double>(scores_of(in.query, in.key).numel());
    const double widths = static_cast<double>(in.query.shape()[-1] + in.value.shape()[-1]);
    return {scores * (2 * widths + 14), internal::one_pass(0, out.y, {in.query, in.key, in.value, out.y}).bytes};
  }

  static std::vector<SampleOf<Attention>> samples(Rng& rng) {
    const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
    const Tensor mask = MaskedSoftmax::mask_of({1, 0, 1, 1, 0, 0, 0, 0}, {2, 4});
    return {{{x({3, 2}), x({4, 2}), x({4, 3})}, {}},
            {{x({2, 3, 2}), x({2, 3, 2}), x({2, 3, 1})}, {0.5, true}},
            {{x({2, 3}), x({4, 3}), x({4, 2}), mask}, {2, false}},
            {{x({2, 2, 1}), x({2, 4, 1}), x({2, 4, 2}), mask}, {-0.5, true}},
            {{transpose(x({2, 3})), transpose(x({2, 3})), transpose(x({2, 3}))}, {}},
            {{x({0, 2}), x({3, 2}), x({3, 2})}, {}},
            {{x({2, 2}), x({0, 2}), x({0, 3})}, {}}};
  }
  static std::vector<BadInputOf<Attention>> bad_inputs() {
    const Tensor q = zeros({2, 3}), k = zeros({4, 3}), v = zeros({4, 5});
    return {{{q, zeros({4, 2}), v}, {}, "attention: query is [2, 3], key [4, 2], value [4, 5]; expected [..., L, E]"},
            {{q, k, zeros({3, 5})}, {}, "value [3, 5]; expected"},
            {{zeros({3}), k, v}, {}, "query is [3]"},
            {{q, k, v, zeros({2, 4})}, {}, "not bool"},
            {{q, k, v, zeros({4, 2}, boolean)}, {}, "mask is [4, 2]; expected one that broadcasts to [2, 4]"},
            {{q, k, v}, {NAN, false}, "scale is nan; it must be finite"}};
  }
};

using AttentionOps = OpList<MaskedSoftmax, Attention>;

}  // namespace ops

Tensor masked_softmax(const Tensor& scores, const Tensor& mask, bool causal, double scale) {
  return ops::AttentionOps::apply<ops::MaskedSoftmax>({scale, causal}, {scores, mask}).y;
}

namespace {

double scale_of(const Tensor& query, const Tensor& key, const AttentionOptions& options) {
  const auto describe_both = [&] { return "query is " + to_string(query.shape()) + ", key " + to_string(key.shape()); };
  if (query.rank() < 2 || key.rank() < 2 || query.shape()[-1] != key.shape()[-1])
    throw ShapeError("attention_weights: " + describe_both() + "; expected [..., L, E] and [..., S, E]");
  if (query.shape()[-1] == 0 && options.scale == 0)
    throw ShapeError("attention_weights: " + describe_both() + "; vectors without elements need a scale");
  return options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(query.shape()[-1]));
}

}  // namespace

Tensor attention_weights(const Tensor& query, const Tensor& key, const AttentionOptions& options) {
  const double scale = scale_of(query, key, options);
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
  const auto batch = [](const Tensor& t) { return t.shape().dims().first(static_cast<std::size_t>(t.rank() - 2)); };
  const bool alike = query.rank() >= 2 && std::ranges::equal(batch(query), batch(key)) &&
                     std::ranges::equal(batch(key), batch(value)) && query.shape()[-1] == key.shape()[-1];
  const bool adds_mask = options.mask.defined() && options.mask.dtype() != boolean;
  if (alike && !adds_mask && options.dropout == 0) {
    const double scale = scale_of(query, key, options);
    return ops::AttentionOps::apply<ops::Attention>({scale, options.causal}, {query, key, value, options.mask}).y;
  }
  const Tensor weights = attention_weights(query, key, options);
  return matmul(dropout(weights, options.dropout, options.rng ? *options.rng : default_rng()), value);
}

std::span<const OpEntry> attention_ops() { return ops::AttentionOps::entries; }

}  // namespace tapegrad
