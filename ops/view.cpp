#include <numeric>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/broadcast.hpp>
#include <tapegrad/core/internal/checked.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

// The strides by which a strided array of one shape, not empty, reads as another shape; false when there are none.
bool reshaped_strides(const Shape& from, const Strides& own, const Shape& to, Strides& strides) {
  int next = from.rank() - 1;         // axis of `from` not yet used
  std::int64_t length = 1, step = 1;  // of the run of adjoining axes that is being divided up
  for (int axis = to.rank() - 1; axis >= 0; --axis) {
    if (length == 1 && to[axis] != 1) {
      while (next >= 0 && from[next] == 1) --next;
      step = own[static_cast<std::size_t>(next)];
      for (std::int64_t end = step; next >= 0 && (from[next] == 1 || own[static_cast<std::size_t>(next)] == end);
           --next) {
        length *= from[next];
        end *= from[next];
      }
    }
    if (length % to[axis] != 0) return false;
    strides[static_cast<std::size_t>(axis)] = step;
    step *= to[axis];
    length /= to[axis];
  }
  return true;
}

}  // namespace

namespace ops {

struct Reshape : internal::Unary {
  static constexpr OpInfo info{.name = "reshape",
                               .formula = "y = x in another shape",
                               .doc = "The same elements in row-major order; a view where strides allow.",
                               .kind = Kind::numeric,
                               .group = Group::shape};
  struct Attrs {
    Integers shape;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"shape", &Attrs::shape, "one extent may be -1: inferred"}};
    }
  };
  static Out view(const Attrs& a, const In& in) {
    const Shape shape = resolve(a.shape, in.x.shape());
    Strides strides;
    if (!in.x.is_contiguous() && reshaped_strides(in.x.shape(), *engine::node_of(in.x).strides, shape, strides))
      return {make_view(in.x, shape, &strides, 0)};
    return {make_view(in.x.contiguous(), shape, nullptr, 0)};
  }
  static Shape resolve(const Integers& wanted, const Shape& from) {
    Integers dims = wanted;
    Checked known("reshape", 1);
    std::int64_t inferred = -1;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] == -1 && inferred < 0)
        inferred = static_cast<std::int64_t>(i);
      else if (dims[i] < 0)
        throw ShapeError("reshape: " + to_string(from) + " to " + format_attribute(wanted) + ", which has " +
                         (dims[i] == -1 ? "two extents of -1" : "the extent " + std::to_string(dims[i])) +
                         "; one may be -1, the others are zero or more");
      else
        known *= dims[i];
    }
    if (inferred >= 0) {
      if (known == 0 || from.numel() % known != 0)
        throw ShapeError("reshape: " + to_string(from) + " to " + format_attribute(wanted) + ": " +
                         std::to_string(from.numel()) + " elements do not divide by " + std::to_string(known));
      dims[static_cast<std::size_t>(inferred)] = from.numel() / known;
    }
    const Shape shape(dims);
    if (shape.numel() != from.numel())
      throw ShapeError("reshape: " + to_string(from) + " has " + std::to_string(from.numel()) + " elements, " +
                       to_string(shape) + " has " + std::to_string(shape.numel()));
    return shape;
  }
  static In pull(const Attrs&, const Out& g, op::Wanted<In> wanted) { return {reshape(g.y, wanted.shape(&In::x))}; }
  static std::vector<SampleOf<Reshape>> samples(Rng& rng) {
    return {{{randn({2, 6}, f64, rng)}, {{3, -1}}},
            {{transpose(randn({2, 3}, f64, rng))}, {{6}}},
            {{randn({1}, f64, rng)}, {{}}},
            {{randn({0, 3}, f64, rng)}, {{3, 0}}}};
  }
  static std::vector<BadInputOf<Reshape>> bad_inputs() {
    return {{{zeros({2, 3})}, {{4}}, "reshape: [2, 3] has 6 elements, [4] has 4"},
            {{zeros({2, 3})}, {{4, -1}}, "6 elements do not divide by 4"},
            {{zeros({2, 3})}, {{-1, -1}}, "two extents of -1"},
            {{zeros({2, 3})}, {{-2, 3}}, "the extent -2"}};
  }
};

struct Permute : internal::Unary {
  static constexpr OpInfo info{.name = "permute",
                               .formula = "y's axis i is x's axis axes[i]",
                               .doc = "A view with the axes in another order.",
                               .kind = Kind::numeric,
                               .group = Group::shape};
  struct Attrs {
    Integers axes;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"axes", &Attrs::axes, "a permutation of the axes"}}; }
  };
  static Out view(const Attrs& a, const In& in) {
    const Tensor& x = in.x;
    const auto rank = static_cast<std::size_t>(x.rank());
    std::vector<bool> seen(rank);
    Integers dims(rank);
    Strides strides{};
    const Strides own = x.strides();
    for (std::size_t i = 0; i < a.axes.size(); ++i) {
      const auto axis = static_cast<std::size_t>(normalized_axis("permute", a.axes[i], static_cast<int>(rank)));
      if (a.axes.size() != rank || seen[axis]) break;
      seen[axis] = true;
      dims[i] = x.shape()[static_cast<int>(axis)];
      strides[i] = own[axis];
    }
    if (std::find(seen.begin(), seen.end(), false) != seen.end() || a.axes.size() != rank)
      throw ValueError("permute: " + format_attribute(a.axes) + " is not a permutation of the axes of shape " +
                       to_string(x.shape()));
    return {make_view(x, Shape(dims), &strides, 0)};
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) {
    Integers inverse(a.axes.size());
    for (std::size_t i = 0; i < a.axes.size(); ++i)
      inverse[static_cast<std::size_t>(a.axes[i] < 0 ? a.axes[i] + g.y.rank() : a.axes[i])] =
          static_cast<std::int64_t>(i);
    return {permute(g.y, std::move(inverse))};
  }
  static std::vector<SampleOf<Permute>> samples(Rng& rng) {
    return {{{randn({2, 3, 4}, f64, rng)}, {{2, 0, 1}}},
            {{randn({2, 3}, f64, rng)}, {{-1, 0}}},
            {{randn({2, 3, 1}, f64, rng)}, {{-1, 0, -2}}},
            {{randn({}, f64, rng)}, {{}}},
            {{randn({2, 0}, f64, rng)}, {{1, 0}}}};
  }
  static std::vector<BadInputOf<Permute>> bad_inputs() {
    return {{{zeros({2, 3})}, {{0, 0}}, "permute: [0, 0] is not a permutation of the axes of shape [2, 3]"},
            {{zeros({2, 3})}, {{0}}, "not a permutation"},
            {{zeros({2, 3})}, {{0, 2}}, "axis 2 is outside a tensor of rank 2"}};
  }
};

struct BroadcastTo : internal::Unary {
  static constexpr OpInfo info{.name = "broadcast_to",
                               .formula = "y = x repeated along new axes and those of extent 1",
                               .kind = Kind::numeric,
                               .group = Group::shape};
  struct Attrs {
    Shape shape;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"shape", &Attrs::shape, "of the result"}}; }
  };
  static Out view(const Attrs& a, const In& in) {
    const Tensor& x = in.x;
    if (!broadcasts_to(x.shape(), a.shape))
      throw ShapeError("broadcast_to: " + to_string(x.shape()) + " does not broadcast to " + to_string(a.shape) +
                       "; trailing extents must be equal or 1");
    const Strides strides = broadcast_strides(x.shape(), x.strides(), a.shape);
    return {make_view(x, a.shape, &strides, 0)};
  }
  // The engine undoes every broadcast: the cotangent is summed to the input's shape there.
  static In pull(const Attrs&, const Out& g, op::Wanted<In>) { return {g.y}; }
  static std::vector<SampleOf<BroadcastTo>> samples(Rng& rng) {
    return {{{randn({3, 1}, f64, rng)}, {{2, 3, 4}}}, {{randn({}, f64, rng)}, {{2}}}, {{randn({1}, f64, rng)}, {{0}}}};
  }
  static std::vector<BadInputOf<BroadcastTo>> bad_inputs() {
    return {{{zeros({3})}, {{3, 2}}, "broadcast_to: [3] does not broadcast to [3, 2]"},
            {{zeros({2, 3})}, {{3}}, "[2, 3] does not broadcast to [3]"}};
  }
};

struct SliceOp : internal::Unary {
  static constexpr OpInfo info{
      .name = "slice",
      .formula = "y = x[start:stop:step] on one axis",
      .doc = "A view. Positions are NumPy's: negative ones count from the end, all are clipped.",
      .kind = Kind::numeric,
      .group = Group::shape};
  struct Attrs {
    int axis = 0;
    std::int64_t start = 0, stop = Slice::kEnd, step = 1;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"axis", &Attrs::axis, "that is cut"}, Field{"start", &Attrs::start, "first position"},
                        Field{"stop", &Attrs::stop, "position before which it ends"},
                        Field{"step", &Attrs::step, "not zero"}};
    }
  };
  struct Range {
    std::int64_t first, count;
  };
  static Range range(const Attrs& a, std::int64_t extent) {
    if (a.step == 0) throw ValueError("slice: a step of 0; use 1, or -1 to walk backwards");
    const bool forward = a.step > 0;
    const auto clip = [&](std::int64_t position, std::int64_t low, std::int64_t high) {
      if (position < 0) position = position < -extent ? -1 : position + extent;
      return std::clamp(position, low, high);
    };
    if (extent == 0) return {0, 0};
    if (forward) {
      const std::int64_t first = clip(std::max(a.start, -extent), 0, extent),
                         last = clip(std::max(a.stop, -extent), 0, extent);
      return {std::min(first, extent - 1), last > first ? 1 + (last - first - 1) / a.step : 0};
    }
    // Backwards: `stop` left out means through the beginning; `start` may be kEnd for the last position.
    const std::int64_t first = clip(a.start, -1, extent - 1);
    const std::int64_t last = a.stop == Slice::kEnd ? -1 : clip(a.stop, -1, extent - 1);
    const std::int64_t stride = a.step == std::numeric_limits<std::int64_t>::min() ? Slice::kEnd : -a.step;
    return {std::max<std::int64_t>(first, 0), first > last ? 1 + (first - last - 1) / stride : 0};
  }
  static Out view(const Attrs& a, const In& in) {
    const Tensor& x = in.x;
    const int axis = normalized_axis("slice", a.axis, x.rank());
    const Range r = range(a, x.shape()[axis]);
    Strides strides = x.strides();
    const std::int64_t own = strides[static_cast<std::size_t>(axis)];
    if (r.count > 1) strides[static_cast<std::size_t>(axis)] = own * a.step;
    return {make_view(x, x.shape().with(axis, r.count), &strides, r.count ? r.first * own : 0)};
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In> wanted) {
    return {slice_scatter(g.y, a.axis, a.start, a.stop, a.step, wanted.shape(&In::x)[a.axis])};
  }
  static std::vector<SampleOf<SliceOp>> samples(Rng& rng) {
    return {{{randn({5, 3}, f64, rng)}, {0, 1, 4, 2}},
            {{randn({5, 3}, f64, rng)}, {1, Slice::kEnd, Slice::kEnd, -1}},
            {{randn({4}, f64, rng)}, {-1, -2, Slice::kEnd, 1}},
            {{randn({4}, f64, rng)}, {0, 3, 1, 1}},
            {{randn({0, 2}, f64, rng)}, {0, 0, 2, 1}}};
  }
  static std::vector<BadInputOf<SliceOp>> bad_inputs() {
    return {{{zeros({3})}, {0, 0, 2, 0}, "a step of 0"}, {{zeros({})}, {}, "a scalar has no axes"}};
  }
};

/// The adjoint of slice: a tensor of zeros with x in the sliced positions.
struct SliceScatter : internal::Unary {
  static constexpr OpInfo info{.name = "slice_scatter",
                               .formula = "y = 0 with y[start:stop:step] = x on one axis",
                               .doc = "The adjoint of slice.",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::shape};
  struct Attrs : SliceOp::Attrs {
    std::int64_t extent = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple_cat(SliceOp::Attrs::fields(),
                            std::tuple{Field{"extent", &Attrs::extent, "of the axis in the result"}});
    }
  };
  static void check(const Attrs& a, const In& in) {
    const Shape& x = in.x.shape();
    const int axis = normalized_axis("slice_scatter", a.axis, x.rank());
    if (a.extent < 0)
      throw ValueError("slice_scatter: an extent of " + std::to_string(a.extent) + "; it must be zero or more");
    const SliceOp::Range r = SliceOp::range(a, a.extent);
    if (r.count != x[axis])
      throw ShapeError("slice_scatter: the slice has " + std::to_string(r.count) + " positions, x has shape " +
                       to_string(x));
  }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape& x = in.x.shape();
    return {op::spec(x.with(normalized_axis("slice_scatter", a.axis, x.rank()), a.extent), in.x.dtype())};
  }
  static void forward(const Attrs& a, const In& in, Out& out) {
    out.y.fill(0);
    store_dense(engine::node_of(in.x).data, engine::node_of(SliceOp::view(a, {out.y}).y));
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) { return {slice(g.y, a.axis, a.start, a.stop, a.step)}; }
  static std::vector<SampleOf<SliceScatter>> samples(Rng& rng) {
    return {{{randn({2, 3}, f64, rng)}, {{0, 1, 5, 2}, 5}}, {{randn({2, 3}, f64, rng)}, {{1, 2, Slice::kEnd, -1}, 4}}};
  }
  static std::vector<BadInputOf<SliceScatter>> bad_inputs() {
    return {{{zeros({2, 3})}, {{0, 1, 5, 1}, 5}, "the slice has 4 positions, x has shape [2, 3]"},
            {{zeros({2, 3})}, {{0, 1, 5, 1}, -5}, "slice_scatter: an extent of -5; it must be zero or more"}};
  }
};

using ViewOps = OpList<Reshape, Permute, BroadcastTo, SliceOp, SliceScatter>;

}  // namespace ops

using ops::ViewOps;

Tensor reshape(const Tensor& x, std::span<const std::int64_t> shape) {
  return ViewOps::apply<ops::Reshape>({{shape.begin(), shape.end()}}, {x}).y;
}
Tensor reshape(const Tensor& x, std::initializer_list<std::int64_t> shape) {
  return reshape(x, std::span(shape.begin(), shape.size()));
}
Tensor reshape(const Tensor& x, const Shape& shape) { return reshape(x, shape.dims()); }

Tensor flatten(const Tensor& x, int first, int last) {
  if (x.rank() == 0) return reshape(x, {1});
  first = normalized_axis("flatten", first, x.rank());
  last = normalized_axis("flatten", last, x.rank());
  if (last < first)
    throw ValueError("flatten: axes " + std::to_string(first) + " to " + std::to_string(last) +
                     "; the first must not come after the last");
  Integers shape(x.shape().begin(), x.shape().begin() + first);
  shape.push_back(
      std::accumulate(x.shape().begin() + first, x.shape().begin() + last + 1, std::int64_t{1}, std::multiplies<>()));
  shape.insert(shape.end(), x.shape().begin() + last + 1, x.shape().end());
  return reshape(x, shape);
}

Tensor permute(const Tensor& x, std::vector<std::int64_t> axes) {
  return ViewOps::apply<ops::Permute>({std::move(axes)}, {x}).y;
}

Tensor transpose(const Tensor& x, int a, int b) {
  Integers axes(static_cast<std::size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  std::swap(axes[static_cast<std::size_t>(normalized_axis("transpose", a, x.rank()))],
            axes[static_cast<std::size_t>(normalized_axis("transpose", b, x.rank()))]);
  return permute(x, std::move(axes));
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : ViewOps::apply<ops::BroadcastTo>({shape}, {x}).y;
}

Tensor unsqueeze(const Tensor& x, int axis) {
  return reshape(x, x.shape().insert(normalized_axis("unsqueeze", axis, x.rank() + 1), 1));
}

Tensor squeeze(const Tensor& x, int axis) {
  axis = normalized_axis("squeeze", axis, x.rank());
  if (x.shape()[axis] != 1)
    throw ShapeError("squeeze: axis " + std::to_string(axis) + " of " + to_string(x.shape()) + " is not of extent 1");
  return reshape(x, x.shape().erase(axis));
}

Tensor squeeze(const Tensor& x) {
  Integers kept;
  for (const std::int64_t extent : x.shape())
    if (extent != 1) kept.push_back(extent);
  return reshape(x, kept);
}

Tensor slice(const Tensor& x, int axis, std::int64_t start, std::int64_t stop, std::int64_t step) {
  return ViewOps::apply<ops::SliceOp>({axis, start, stop, step}, {x}).y;
}

Tensor slice_scatter(const Tensor& x, int axis, std::int64_t start, std::int64_t stop, std::int64_t step,
                     std::int64_t extent) {
  return ViewOps::apply<ops::SliceScatter>({{axis, start, stop, step}, extent}, {x}).y;
}

Tensor select(const Tensor& x, int axis, std::int64_t index) {
  axis = normalized_axis("select", axis, x.rank());
  const std::int64_t extent = x.shape()[axis];
  if (index < -extent || index >= extent)
    throw IndexError("select: index " + std::to_string(index) + " on axis " + std::to_string(axis) +
                     " is outside shape " + to_string(x.shape()));
  if (index < 0) index += extent;
  return squeeze(slice(x, axis, index, index + 1), axis);
}

std::span<const OpEntry> view_ops() { return ViewOps::entries; }

}  // namespace tapegrad
