#include <iterator>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/row_sparse.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/positions.hpp>
#include <tapegrad/ops/kernels/row_sum.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <vector>

namespace tapegrad {
namespace ops {

// What the three reductions of runs share.
template <class Op>
struct SegmentCommon {
  struct In {
    Tensor x;
    op::Fixed offsets;
  };
  struct Out {
    Tensor y;
  };
  static constexpr const char* name() { return Op::info.name.data(); }

  static void check(const In& in) {
    if (in.x.rank() == 0 || in.offsets.rank() != 1 || in.offsets.numel() == 0)
      throw ShapeError(std::string(name()) + ": x is " + to_string(in.x.shape()) + " and offsets " +
                       to_string(in.offsets.shape()) + "; expected [T, ...] and [B + 1]");
  }
  static Out shapes(const In& in) { return {op::spec(in.x.shape().with(0, in.offsets.numel() - 1), in.x.dtype())}; }
  /// Calls `reduce(rows, count, width, out)` for each run.
  template <class T, class Reduce>
  static void for_each_run(const In& in, Tensor& y, const Reduce& reduce) {
    const Tensor& x = in.x;
    const Tensor checked = checked_offsets(name(), in.offsets, x.shape()[0]);
    const auto offsets = positions_of(checked);
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
  static Cost cost(const In& in, const Out& out) { return internal::one_pass(1, in.x, {in.x, out.y}); }
  static std::vector<SampleOf<Op>> samples(Rng& rng) {
    return {{{randn({5, 2}, f64, rng), tensor({0, 2, 2, 5}, i64)}},
            {{transpose(randn({2, 4}, f64, rng)), tensor({0, 1, 4}, i32)}},
            {{randn({4}, f64, rng), tensor({0, 0, 3, 4}, i64)}},
            {{randn({2, 2, 3}, f64, rng), tensor({0, 2}, i64)}},
            {{zeros({0, 3}, f64), tensor({0, 0}, i64)}},
            {{zeros({0, 3}, f64), tensor({0}, i64)}}};
  }
  static std::vector<BadInputOf<Op>> bad_inputs() {
    const Tensor x = zeros({3, 2});
    return {{{x, tensor({0, 2}, i64)}, {}, "offsets run from 0 to 2; they start at 0 and end at x's 3 rows"},
            {{x, tensor({1, 3}, i64)}, {}, "offsets run from 1 to 3"},
            {{x, tensor({0, 2, 1, 3}, i64)}, {}, "offsets[2] is 1, less than the 2 before it"},
            {{x, zeros({0}, i64)}, {}, "x is [3, 2] and offsets [0]; expected [T, ...] and [B + 1]"},
            {{x, zeros({2})}, {}, "'offsets' is f32 [2]; offsets are i64 or i32"}};
  }
};

template <bool kMean>
struct Segment : SegmentCommon<Segment<kMean>> {
  using Common = SegmentCommon<Segment>;
  using typename Common::In, typename Common::Out;
  struct Kept {
    Tensor offsets;
  };
  static constexpr OpInfo info{.name = kMean ? "segment_mean" : "segment_sum",
                               .formula = kMean ? "y[b] = Σ x[i] / n, i from offsets[b] to offsets[b + 1], n of them"
                                                : "y[b] = Σ x[i], i from offsets[b] to offsets[b + 1]",
                               .doc = "Runs of rows, each reduced to one; an empty run gives 0.",
                               .forward = Forward::linear,
                               .group = Group::reduction};
  static Kept forward(const In& in, Out& out) {
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      Common::template for_each_run<T>(in, out.y, [](const T* rows, std::int64_t count, std::int64_t width, T* row) {
        const auto at = [&](std::int64_t i) { return rows + i * width; };
        if constexpr (kMean)
          kernels::mean_of_rows(row, width, count, at);
        else
          kernels::sum_rows(row, width, count, at);
      });
    });
    return {in.offsets};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const Tensor checked = checked_offsets(Common::name(), kept.offsets, wanted.shape(&In::x)[0]);
    const auto runs = positions_of(checked);
    const Tensor share = kMean ? g.y * inverse_lengths(runs, g.y.rank(), g.y.dtype()) : g.y;
    return {take(share, segment_of_rows(runs), 0), {}};
  }
};

struct SegmentMax : SegmentCommon<SegmentMax> {
  struct Kept {
    Tensor x, offsets, y;
  };
  static constexpr OpInfo info{.name = "segment_max",
                               .formula = "y[b] = max x[i], i from offsets[b] to offsets[b + 1]",
                               .doc =
                                   "Runs of rows, each reduced to one; an empty run gives 0. Equal maxima share the "
                                   "gradient.",
                               .group = Group::reduction};
  static Kept forward(const In& in, Out& out) {
    dispatch_floating(out.y.dtype(), [&]<class T>() {
      for_each_run<T>(in, out.y, [](const T* rows, std::int64_t count, std::int64_t width, T* row) {
        if (count == 0)
          std::fill_n(row, width, T{0});
        else
          std::copy_n(rows, width, row);
        for (std::int64_t i = 1; i < count; ++i)
          for (std::int64_t j = 0; j < width; ++j) {
            const T candidate = rows[i * width + j];
            row[j] = candidate > row[j] || candidate != candidate ? candidate : row[j];
          }
      });
    });
    return {in.x, in.offsets, out.y};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In>) {
    const Tensor checked = checked_offsets(name(), kept.offsets, kept.x.shape()[0]);
    const Tensor segments = segment_of_rows(positions_of(checked)), value = kept.x.detach();
    const Tensor top = take(kept.y.detach(), segments, 0);
    // A NaN is the maximum of its run.
    const Tensor wins = cast(value == top || isnan(value), value.dtype());
    return {take(g.y, segments, 0) * (wins / take(segment_sum(wins, checked), segments, 0)), {}};
  }
};

struct MaskedMean {
  struct In {
    Tensor x;
    op::Fixed mask;
  };
  struct Out {
    Tensor y;
  };
  struct Kept {
    Tensor mask;
  };
  static constexpr OpInfo info{.name = "masked_mean",
                               .formula = "y[b] = Σ x[b, l] / n over the n positions l where mask[b, l]",
                               .doc = "The mean over a padded sequence; 0 where nothing is left.",
                               .forward = Forward::linear,
                               .group = Group::reduction};
  static void check(const In& in) {
    const Tensor &x = in.x, &mask = in.mask;
    if (mask.dtype() != boolean)
      throw DTypeError("masked_mean: 'mask' is " + describe(mask) +
                       ", not bool; compare it with something, as in ids != 0");
    const int rank = mask.rank();
    if (rank == 0 || x.rank() < rank || !std::equal(mask.shape().begin(), mask.shape().end(), x.shape().begin()))
      throw ShapeError("masked_mean: x is " + to_string(x.shape()) + " and mask " + to_string(mask.shape()) +
                       "; expected [B..., L, D...] and [B..., L]");
  }
  static Out shapes(const In& in) { return {op::spec(in.x.shape().erase(in.mask.rank() - 1), in.x.dtype())}; }
  static Kept forward(const In& in, Out& out) {
    if (in.mask.numel() > 0)
      mean(in.x, in.mask, out.y);
    else
      out.y.fill(0);
    return {in.mask};
  }
  static In pull(const Kept& kept, const Out& g, op::Wanted<In> wanted) {
    const Shape& mask = kept.mask.shape();
    const int axis = mask.rank() - 1;
    Integers dims(mask.begin(), mask.end());
    dims.resize(static_cast<std::size_t>(wanted.shape(&In::x).rank()), 1);
    const Tensor lengths = maximum(sum(kept.mask, {axis}), 1);
    dims[static_cast<std::size_t>(axis)] = 1;
    const Tensor share = unsqueeze(g.y, axis) / reshape(lengths, dims);
    dims[static_cast<std::size_t>(axis)] = mask[axis];
    return {where(reshape(kept.mask, dims), share, 0), {}};
  }
  static Cost cost(const In& in, const Out&) { return internal::one_pass(1, in.x, {in.x}); }
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

 private:
  static void mean(const Tensor& x, const Tensor& mask, Tensor& y) {
    const std::int64_t length = mask.shape()[-1], batch = mask.numel() / length;
    const std::int64_t width = y.numel() / batch;
    const bool* keeps = mask.data<bool>().data();
    dispatch_floating(y.dtype(), [&]<class T>() {
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      for_row_ranges(batch, x.numel(), [&](std::int64_t begin, std::int64_t end) {
        std::vector<const T*> kept;
        for (std::int64_t b = begin; b < end; ++b) {
          kept.clear();
          for (std::int64_t i = b * length; i < (b + 1) * length; ++i)
            if (keeps[i]) kept.push_back(from + i * width);
          kernels::mean_of_rows(to + b * width, width, std::ssize(kept),
                                [&](std::int64_t i) { return kept[static_cast<std::size_t>(i)]; });
        }
      });
    });
  }
};

using SegmentOps = OpList<Segment<false>, Segment<true>, SegmentMax, MaskedMean>;

}  // namespace ops

using ops::SegmentOps;

Tensor segment_sum(const Tensor& x, const Tensor& offsets) {
  return SegmentOps::apply<ops::Segment<false>>({x, offsets}).y;
}

Tensor segment_mean(const Tensor& x, const Tensor& offsets) {
  return SegmentOps::apply<ops::Segment<true>>({x, offsets}).y;
}

Tensor segment_max(const Tensor& x, const Tensor& offsets) {
  return SegmentOps::apply<ops::SegmentMax>({x, offsets}).y;
}

Tensor masked_mean(const Tensor& x, const Tensor& mask) { return SegmentOps::apply<ops::MaskedMean>({x, mask}).y; }

std::span<const OpEntry> segment_ops() { return SegmentOps::entries; }

}  // namespace tapegrad
