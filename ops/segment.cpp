#include <tapegrad/core/create.hpp>
#include <tapegrad/core/row_sparse.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/cast.hpp>
#include <tapegrad/ops/comparison.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/positions.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/segment.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

template <class T>
void scale_row(T* row, std::int64_t width, std::int64_t count) {
  const T inverse = T{1} / static_cast<T>(count);
  for (std::int64_t j = 0; j < width; ++j) row[j] *= inverse;
}

}  // namespace

namespace ops {

// What the three reductions of runs share.
struct SegmentCommon {
  using Attrs = NoAttrs;
  static TensorSpec checked_result(const char* op, const Tensor& x, const Tensor& offsets) {
    if (x.rank() == 0 || offsets.rank() != 1 || offsets.numel() == 0)
      throw ShapeError(std::string(op) + ": x is " + to_string(x.shape()) + " and offsets " +
                       to_string(offsets.shape()) + "; expected [T, ...] and [B + 1]");
    return {x.shape().with(0, offsets.numel() - 1), x.dtype()};
  }
  /// Calls `reduce(rows, count, width, out)` for each run.
  template <class T, class Reduce>
  static void for_each_run(const Tensor& x, std::span<const std::int64_t> offsets, Tensor& y, const Reduce& reduce) {
    const std::int64_t segments = y.shape()[0], width = segments ? y.numel() / segments : 0;
    const T* from = x.data<T>().data();
    T* to = y.mutable_data<T>().data();
    for_row_ranges(segments, x.numel(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        const std::int64_t first = offsets[static_cast<std::size_t>(b)];
        reduce(from + first * width, offsets[static_cast<std::size_t>(b) + 1] - first, width, to + b * width);
      }
    });
  }
  static Cost cost(const Attrs&, const Node& node) {
    const Node& x = *node.edges()[0].node();
    const auto n = static_cast<double>(x.shape.numel());
    return {n, (n + static_cast<double>(node.shape.numel())) * static_cast<double>(size_of(x.dtype))};
  }
  template <class O>
  static std::vector<SampleOf<O>> common_samples(Rng& rng) {
    return {{{randn({5, 2}, f64, rng), tensor({0, 2, 2, 5}, i64)}},
            {{transpose(randn({2, 4}, f64, rng)), tensor({0, 1, 4}, i32)}},
            {{randn({4}, f64, rng), tensor({0, 0, 3, 4}, i64)}},
            {{randn({2, 2, 3}, f64, rng), tensor({0, 2}, i64)}},
            {{zeros({0, 3}, f64), tensor({0, 0}, i64)}},
            {{zeros({0, 3}, f64), tensor({0}, i64)}}};
  }
  template <class O>
  static std::vector<BadInputOf<O>> common_bad_inputs() {
    const Tensor x = zeros({3, 2});
    return {{{x, tensor({0, 2}, i64)}, {}, "offsets run from 0 to 2; they start at 0 and end at x's 3 rows"},
            {{x, tensor({1, 3}, i64)}, {}, "offsets run from 1 to 3"},
            {{x, tensor({0, 2, 1, 3}, i64)}, {}, "offsets[2] is 1, less than the 2 before it"},
            {{x, zeros({0}, i64)}, {}, "x is [3, 2] and offsets [0]; expected [T, ...] and [B + 1]"},
            {{x, zeros({2})}, {}, "'offsets' is f32 [2]; offsets are i64 or i32"}};
  }
};

template <bool kMean>
struct Segment : SegmentCommon {
  static constexpr const char* kName = kMean ? "segment_mean" : "segment_sum";
  static constexpr OpInfo info{.name = kName,
                               .formula = kMean ? "y[b] = Σ x[i] / n, i from offsets[b] to offsets[b + 1], n of them"
                                                : "y[b] = Σ x[i], i from offsets[b] to offsets[b + 1]",
                               .doc = "Runs of rows, each reduced to one; an empty run gives 0.",
                               .inputs = {"x", "offsets"},
                               .saves = {.inputs = {1}},
                               .fixed = {1},
                               .forward = Forward::linear,
                               .group = Group::reduction};
  static TensorSpec result(const Attrs&, const Tensor& x, const Tensor& offsets) {
    return checked_result(kName, x, offsets);
  }
  static void forward(const Attrs&, const Tensor& x, const Tensor& offsets, Tensor& y) {
    const Tensor checked = checked_offsets(kName, offsets, x.shape()[0]);
    dispatch_floating(y.dtype(), [&]<class T>() {
      for_each_run<T>(x, positions_of(checked), y, [](const T* rows, std::int64_t count, std::int64_t width, T* out) {
        std::fill_n(out, width, T{0});
        RowSum<T> sum(out, width);
        for (std::int64_t i = 0; i < count; ++i) sum.add(rows + i * width);
        sum.finish();
        if (kMean && count > 1) scale_row(out, width, count);
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved x, const Tensor& offsets, Unsaved) {
    const Tensor checked = checked_offsets(kName, offsets, x.shape()[0]);
    const auto runs = positions_of(checked);
    return take(kMean ? g * inverse_lengths(runs, g.rank(), g.dtype()) : g, segment_of_rows(runs), 0);
  }
  static std::vector<SampleOf<Segment>> samples(Rng& rng) { return common_samples<Segment>(rng); }
  static std::vector<BadInputOf<Segment>> bad_inputs() { return common_bad_inputs<Segment>(); }
};

struct SegmentMax : SegmentCommon {
  static constexpr OpInfo info{.name = "segment_max",
                               .formula = "y[b] = max x[i], i from offsets[b] to offsets[b + 1]",
                               .doc =
                                   "Runs of rows, each reduced to one; an empty run gives 0. Equal maxima share the "
                                   "gradient.",
                               .inputs = {"x", "offsets"},
                               .saves = kSavesAll,
                               .fixed = {1},
                               .group = Group::reduction};
  static TensorSpec result(const Attrs&, const Tensor& x, const Tensor& offsets) {
    return checked_result("segment_max", x, offsets);
  }
  static void forward(const Attrs&, const Tensor& x, const Tensor& offsets, Tensor& y) {
    const Tensor checked = checked_offsets("segment_max", offsets, x.shape()[0]);
    dispatch_floating(y.dtype(), [&]<class T>() {
      for_each_run<T>(x, positions_of(checked), y, [](const T* rows, std::int64_t count, std::int64_t width, T* out) {
        if (count == 0)
          std::fill_n(out, width, T{0});
        else
          std::copy_n(rows, width, out);
        for (std::int64_t i = 1; i < count; ++i)
          for (std::int64_t j = 0; j < width; ++j) {
            const T candidate = rows[i * width + j];
            out[j] = candidate > out[j] || candidate != candidate ? candidate : out[j];
          }
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, const Tensor& x, const Tensor& offsets, const Tensor& y) {
    const Tensor checked = checked_offsets("segment_max", offsets, x.shape()[0]);
    const Tensor segments = segment_of_rows(positions_of(checked)), value = x.detach();
    const Tensor top = take(y.detach(), segments, 0);
    // A NaN is the maximum of its run.
    const Tensor wins = cast(value == top || isnan(value), x.dtype());
    return take(g, segments, 0) * (wins / take(segment_sum(wins, checked), segments, 0));
  }
  static std::vector<SampleOf<SegmentMax>> samples(Rng& rng) { return common_samples<SegmentMax>(rng); }
  static std::vector<BadInputOf<SegmentMax>> bad_inputs() { return common_bad_inputs<SegmentMax>(); }
};

struct MaskedMean {
  static constexpr OpInfo info{.name = "masked_mean",
                               .formula = "y[b] = Σ x[b, l] / n over the n positions l where mask[b, l]",
                               .doc = "The mean over a padded sequence; 0 where nothing is left.",
                               .inputs = {"x", "mask"},
                               .saves = {.inputs = {1}},
                               .fixed = {1},
                               .forward = Forward::linear,
                               .group = Group::reduction};
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
          RowSum<T> sum(row, width);
          std::int64_t count = 0;
          for (std::int64_t i = b * length; i < (b + 1) * length; ++i) {
            if (!keeps[i]) continue;
            sum.add(from + i * width);
            ++count;
          }
          sum.finish();
          if (count > 1) scale_row(row, width, count);
        }
      });
    });
  }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved x, const Tensor& mask, Unsaved) {
    const int axis = mask.rank() - 1;
    Integers dims(mask.shape().begin(), mask.shape().end());
    dims.resize(static_cast<std::size_t>(x.shape().rank()), 1);
    const Tensor lengths = maximum(sum(mask, {axis}), 1);
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

using SegmentOps = OpList<Segment<false>, Segment<true>, SegmentMax, MaskedMean>;

}  // namespace ops

using ops::SegmentOps;

Tensor segment_sum(const Tensor& x, const Tensor& offsets) {
  return SegmentOps::apply<ops::Segment<false>>(NoAttrs{}, x, offsets);
}

Tensor segment_mean(const Tensor& x, const Tensor& offsets) {
  return SegmentOps::apply<ops::Segment<true>>(NoAttrs{}, x, offsets);
}

Tensor segment_max(const Tensor& x, const Tensor& offsets) {
  return SegmentOps::apply<ops::SegmentMax>(NoAttrs{}, x, offsets);
}

Tensor masked_mean(const Tensor& x, const Tensor& mask) {
  return SegmentOps::apply<ops::MaskedMean>(NoAttrs{}, x, mask);
}

std::span<const OpEntry> segment_ops() { return SegmentOps::entries; }

}  // namespace tapegrad
