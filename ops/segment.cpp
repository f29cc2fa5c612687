#include <tapegrad/core/create.hpp>
#include <tapegrad/core/row_sparse.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/cast.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/op_list.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/segment.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

/// Offsets as dense i64, checked against the number of rows.
Tensor checked_offsets(const char* op, const Tensor& offsets, std::int64_t rows) {
  const std::string name(op);
  if (offsets.dtype() != i64 && offsets.dtype() != i32)
    throw DTypeError(name + ": 'offsets' is " + describe(offsets) + "; offsets are i64 or i32, cast() them");
  const Tensor checked = cast(offsets, i64).contiguous();
  const auto o = checked.data<std::int64_t>();
  if (o.front() != 0 || o.back() != rows)
    throw ValueError(name + ": offsets run from " + std::to_string(o.front()) + " to " + std::to_string(o.back()) +
                     "; they start at 0 and end at x's " + std::to_string(rows) + " rows");
  for (std::size_t b = 1; b < o.size(); ++b)
    if (o[b] < o[b - 1])
      throw ValueError(name + ": offsets[" + std::to_string(b) + "] is " + std::to_string(o[b]) + ", less than the " +
                       std::to_string(o[b - 1]) + " before it; offsets never fall");
  return checked;
}

// For each row, the segment that it is in.
Tensor segment_of_rows(std::span<const std::int64_t> offsets) {
  Tensor segments = empty({offsets.back()}, i64);
  const auto of = segments.mutable_data<std::int64_t>();
  for (std::size_t b = 0; b + 1 < offsets.size(); ++b)
    std::fill(of.begin() + offsets[b], of.begin() + offsets[b + 1], static_cast<std::int64_t>(b));
  return segments;
}

// 1 / length of each segment, as [B, 1, …] to multiply a tensor of rank `rank`.
Tensor inverse_lengths(std::span<const std::int64_t> offsets, int rank, DType dtype) {
  Integers dims(static_cast<std::size_t>(rank), 1);
  dims[0] = static_cast<std::int64_t>(offsets.size()) - 1;
  Tensor inverse = empty(Shape(dims), dtype);
  dispatch_floating(dtype, [&]<class T>() {
    T* to = inverse.mutable_data<T>().data();
    for (std::size_t b = 0; b + 1 < offsets.size(); ++b)
      to[b] = T{1} / static_cast<T>(std::max<std::int64_t>(offsets[b + 1] - offsets[b], 1));
  });
  return inverse;
}

template <class T>
void add_row(const T* from, std::int64_t width, T* to) {
  for (std::int64_t j = 0; j < width; ++j) to[j] += from[j];
}
template <class T>
void scale_row(T* row, std::int64_t width, std::int64_t count) {
  const T inverse = T{1} / static_cast<T>(count);
  for (std::int64_t j = 0; j < width; ++j) row[j] *= inverse;
}

}  // namespace

namespace ops {

template <bool kMean>
struct Segment {
  static constexpr const char* kName = kMean ? "segment_mean" : "segment_sum";
  static constexpr OpInfo info{.name = kName,
                               .formula = kMean ? "y[b] = Σ x[i] / n, i from offsets[b] to offsets[b + 1], n of them"
                                                : "y[b] = Σ x[i], i from offsets[b] to offsets[b + 1]",
                               .doc = "Runs of rows, each reduced to one; an empty run gives 0.",
                               .inputs = {"x", "offsets"},
                               .saves = {.inputs = {1}},
                               .fixed = {1}};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& x, const Tensor& offsets) {
    if (x.rank() == 0 || offsets.rank() != 1 || offsets.numel() == 0)
      throw ShapeError(std::string(kName) + ": x is " + to_string(x.shape()) + " and offsets " +
                       to_string(offsets.shape()) + "; expected [T, ...] and [B + 1]");
    return {x.shape().with(0, offsets.numel() - 1), x.dtype()};
  }
  static void forward(const Attrs&, const Tensor& x, const Tensor& offsets, Tensor& y) {
    const Tensor checked = checked_offsets(kName, offsets, x.shape()[0]);
    const auto o = checked.data<std::int64_t>();
    const std::int64_t segments = y.shape()[0], width = segments ? y.numel() / segments : 0;
    dispatch_floating(y.dtype(), [&]<class T>() {
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      for_row_ranges(segments, x.numel(), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
          const std::int64_t first = o[static_cast<std::size_t>(b)], last = o[static_cast<std::size_t>(b) + 1];
          T* row = to + b * width;
          std::fill_n(row, width, T{0});
          for (std::int64_t i = first; i < last; ++i) add_row(from + i * width, width, row);
          if (kMean && last - first > 1) scale_row(row, width, last - first);
        }
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved, const Tensor& offsets, Unsaved) {
    const Tensor dense = cast(offsets, i64).contiguous();
    const auto o = dense.data<std::int64_t>();
    return take(kMean ? g * inverse_lengths(o, g.rank(), g.dtype()) : g, segment_of_rows(o), 0);
  }
  static Cost cost(const Attrs&, const Node& node) {
    const Node& x = *node.edges()[0].node();
    const auto n = static_cast<double>(x.shape.numel());
    return {n, (n + static_cast<double>(node.shape.numel())) * static_cast<double>(size_of(x.dtype))};
  }
  static std::vector<SampleOf<Segment>> samples(Rng& rng) {
    const auto offsets = [](std::initializer_list<double> values) { return tensor(values, i64); };
    return {{{randn({5, 2}, f64, rng), offsets({0, 2, 2, 5})}},
            {{transpose(randn({2, 4}, f64, rng)), tensor({0, 1, 4}, i32)}},
            {{randn({4}, f64, rng), offsets({0, 0, 3, 4})}},
            {{randn({2, 2, 3}, f64, rng), offsets({0, 2})}},
            {{zeros({0, 3}, f64), offsets({0, 0})}},
            {{zeros({0, 3}, f64), offsets({0})}}};
  }
  static std::vector<BadInputOf<Segment>> bad_inputs() {
    const auto offsets = [](std::initializer_list<double> values) { return tensor(values, i64); };
    return {{{zeros({3, 2}), offsets({0, 2})}, {}, "offsets run from 0 to 2; they start at 0 and end at x's 3 rows"},
            {{zeros({3, 2}), offsets({1, 3})}, {}, "offsets run from 1 to 3"},
            {{zeros({3, 2}), offsets({0, 2, 1, 3})}, {}, "offsets[2] is 1, less than the 2 before it"},
            {{zeros({3, 2}), zeros({0}, i64)}, {}, "x is [3, 2] and offsets [0]; expected [T, ...] and [B + 1]"},
            {{zeros({3, 2}), zeros({2})}, {}, "'offsets' is f32 [2]; offsets are i64 or i32"}};
  }
};

struct MaskedMean {
  static constexpr OpInfo info{.name = "masked_mean",
                               .formula = "y[b] = Σ x[b, l] / n over the n positions l where mask[b, l]",
                               .doc = "The mean over a padded sequence; 0 where nothing is left.",
                               .inputs = {"x", "mask"},
                               .saves = {.inputs = {1}},
                               .fixed = {1}};
  using Attrs = NoAttrs;
  static TensorSpec result(const Attrs&, const Tensor& x, const Tensor& mask) {
    if (mask.dtype() != boolean)
      throw DTypeError("masked_mean: 'mask' is " + describe(mask) +
                       ", not bool; compare it with something, as in "
                       "ids != 0");
    const int rank = mask.rank();
    if (rank == 0 || x.rank() < rank || !std::equal(mask.shape().begin(), mask.shape().end(), x.shape().begin()))
      throw ShapeError("masked_mean: x is " + to_string(x.shape()) + " and mask " + to_string(mask.shape()) +
                       "; expected [B..., L, D...] and [B..., L]");
    return {x.shape().erase(rank - 1), x.dtype()};
  }
  static void forward(const Attrs&, const Tensor& x, const Tensor& mask, Tensor& y) {
    const std::int64_t length = mask.shape()[-1], batch = length ? mask.numel() / length : 0;
    if (batch == 0) return y.fill(0);
    const std::int64_t width = y.numel() / batch;
    const bool* keeps = mask.data<bool>().data();
    dispatch_floating(y.dtype(), [&]<class T>() {
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      for_row_ranges(batch, x.numel(), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
          T* row = to + b * width;
          std::fill_n(row, width, T{0});
          std::int64_t count = 0;
          for (std::int64_t i = b * length; i < (b + 1) * length; ++i) {
            if (!keeps[i]) continue;
            add_row(from + i * width, width, row);
            ++count;
          }
          if (count > 1) scale_row(row, width, count);
        }
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved x, const Tensor& mask, Unsaved) {
    const int axis = mask.rank() - 1;
    Integers dims(mask.shape().begin(), mask.shape().end());
    dims.resize(static_cast<std::size_t>(x.shape().rank()), 1);
    const Tensor lengths = maximum(sum(cast(mask, g.dtype()), {axis}, true), 1);
    dims[static_cast<std::size_t>(axis)] = 1;
    const Tensor share = unsqueeze(g, axis) / reshape(lengths, dims);
    dims[static_cast<std::size_t>(axis)] = mask.shape()[axis];
    return where(reshape(mask, dims), share, 0);
  }
  static Cost cost(const Attrs&, const Node& node) {
    const Node& x = *node.edges()[0].node();
    const auto n = static_cast<double>(x.shape.numel());
    return {n, n * static_cast<double>(size_of(x.dtype))};
  }
  static std::vector<SampleOf<MaskedMean>> samples(Rng& rng) {
    return {{{randn({3, 2, 2}, f64, rng), tensor({1, 0, 0, 0, 1, 1}, Shape{3, 2}, boolean)}},
            {{transpose(randn({3, 2}, f64, rng)), tensor({1, 0, 1, 0, 1, 1}, Shape{2, 3}, boolean)}},
            {{randn({3}, f64, rng), tensor({1, 0, 1}, boolean)}},
            {{zeros({2, 0, 3}, f64), zeros({2, 0}, boolean)}},
            {{zeros({0, 2, 3}, f64), zeros({0, 2}, boolean)}}};
  }
  static std::vector<BadInputOf<MaskedMean>> bad_inputs() {
    return {{{zeros({2, 3, 4}), zeros({2, 4}, boolean)}, {}, "masked_mean: x is [2, 3, 4] and mask [2, 4]; expected"},
            {{zeros({2, 3, 4}), zeros({2, 3})}, {}, "'mask' is f32 [2, 3], not bool"}};
  }
};

using SegmentOps = OpList<Segment<false>, Segment<true>, MaskedMean>;

}  // namespace ops

using ops::SegmentOps;

Tensor segment_sum(const Tensor& x, const Tensor& offsets) {
  return SegmentOps::apply<ops::Segment<false>>(NoAttrs{}, x, offsets);
}

Tensor segment_mean(const Tensor& x, const Tensor& offsets) {
  return SegmentOps::apply<ops::Segment<true>>(NoAttrs{}, x, offsets);
}

Tensor masked_mean(const Tensor& x, const Tensor& mask) {
  return SegmentOps::apply<ops::MaskedMean>(NoAttrs{}, x, mask);
}

std::span<const OpEntry> segment_ops() { return SegmentOps::entries; }

}  // namespace tapegrad
