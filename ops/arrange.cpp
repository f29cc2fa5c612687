#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/internal/checked.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/slab.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct Roll : internal::Unary {
  static constexpr OpInfo info{.name = "roll",
                               .formula = "y[(i + shift) mod n] = x[i] on one axis of extent n",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::shape};
  struct Attrs {
    std::int64_t shift = 0;
    int axis = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"shift", &Attrs::shift, "positions to move by"}, Field{"axis", &Attrs::axis, "to roll"}};
    }
  };
  static void check(const Attrs& a, const In& in) { normalized_axis("roll", a.axis, in.x.rank()); }
  static Out shapes(const Attrs&, const In& in) { return {op::spec(in.x.shape(), in.x.dtype())}; }
  static void forward(const Attrs& a, const In& in, Out& out) {
    if (in.x.numel() == 0) return;
    const Slab s = slab_around(in.x.shape(), normalized_axis("roll", a.axis, in.x.rank()));
    const std::size_t bytes = static_cast<std::size_t>(s.count * s.inner) * size_of(in.x.dtype());
    const std::size_t head = static_cast<std::size_t>((a.shift % s.count + s.count) % s.count * s.inner) *
                             size_of(in.x.dtype());  // what the end of x fills
    const std::byte* from = engine::node_of(in.x).data;
    std::byte* to = engine::node_of(out.y).data;
    for (std::int64_t o = 0; o < s.outer; ++o, from += bytes, to += bytes) {
      std::memcpy(to, from + bytes - head, head);
      std::memcpy(to + head, from, bytes - head);
    }
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) {
    const std::int64_t extent = g.y.shape()[a.axis];
    return {roll(g.y, extent ? -(a.shift % extent) : 0, a.axis)};
  }
  static Cost cost(const Attrs&, const In&, const Out& out) { return internal::moved(out.y); }
  static std::vector<SampleOf<Roll>> samples(Rng& rng) {
    return {{{randn({5}, f64, rng)}, {2, 0}},
            {{randn({2, 3}, f64, rng)}, {-4, -1}},
            {{transpose(randn({2, 3}, f64, rng))}, {1, 0}},
            {{randn({3}, f64, rng)}, {std::numeric_limits<std::int64_t>::min(), 0}},
            {{randn({0, 2}, f64, rng)}, {1, 0}}};
  }
  static std::vector<BadInputOf<Roll>> bad_inputs() {
    return {{{zeros({3})}, {1, 1}, "roll: axis 1 is outside a tensor of rank 1"},
            {{zeros({})}, {1, 0}, "a scalar has no axes"}};
  }
};

struct PadConstant : internal::Unary {
  static constexpr OpInfo info{
      .name = "pad", .formula = "y = x with `value` around it", .kind = Kind::numeric, .group = Group::shape};
  struct Attrs {
    Integers pads;
    double value = 0;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() {
      return std::tuple{Field{"pads", &Attrs::pads, "before and after, for each axis in turn"},
                        Field{"value", &Attrs::value, "of what is added"}};
    }
  };
  static std::int64_t before(const Attrs& a, int axis) { return a.pads[static_cast<std::size_t>(2 * axis)]; }
  static std::int64_t after(const Attrs& a, int axis) { return a.pads[static_cast<std::size_t>(2 * axis) + 1]; }

  static void check(const Attrs& a, const In& in) {
    const Tensor& x = in.x;
    if (a.pads.size() != static_cast<std::size_t>(2 * x.rank()))
      throw ValueError("pad: " + std::to_string(a.pads.size()) + " pads for x " + to_string(x.shape()) +
                       "; expected two for each axis, " + std::to_string(2 * x.rank()));
    if (!is_floating(x.dtype()) && !(std::isfinite(a.value) && a.value == std::floor(a.value)))
      throw ValueError("pad: a value of " + format_attribute(a.value) + " for x " + describe(x) +
                       "; integers are padded with integers");
    for (const std::int64_t pad : a.pads)
      if (pad < 0) throw ValueError("pad: pads " + format_attribute(a.pads) + " have a negative one; slice() cuts");
  }
  static Out shapes(const Attrs& a, const In& in) {
    Shape shape = in.x.shape();
    for (int axis = 0; axis < shape.rank(); ++axis)
      shape = shape.with(axis, Checked("pad", shape[axis]) + before(a, axis) + after(a, axis));
    return {op::spec(shape, in.x.dtype())};
  }
  // The part of a tensor of the result's shape where x is.
  static Tensor core(const Attrs& a, Tensor y) {
    for (int axis = 0; axis < y.rank(); ++axis)
      if (before(a, axis) != 0 || after(a, axis) != 0)
        y = slice(y, axis, before(a, axis), y.shape()[axis] - after(a, axis));
    return y;
  }
  static void forward(const Attrs& a, const In& in, Out& out) {
    out.y.fill(a.value);
    store_dense(engine::node_of(in.x).data, engine::node_of(core(a, out.y)));
  }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In>) { return {core(a, g.y)}; }
  static Cost cost(const Attrs&, const In&, const Out& out) { return internal::moved(out.y); }
  static std::vector<SampleOf<PadConstant>> samples(Rng& rng) {
    return {{{randn({2, 3}, f64, rng)}, {{1, 0, 0, 2}, 4}},
            {{randn({2, 2}, f64, rng)}, {{1, 0, 0, 0}, 0}},
            {{randn({2, 2}, f64, rng)}, {{0, 1, 0, 0}, 0}},
            {{transpose(randn({2, 2}, f64, rng))}, {{0, 0, 1, 1}, 0}},
            {{randn({}, f64, rng)}, {{}, 0}},
            {{randn({0}, f64, rng)}, {{1, 1}, 3}}};
  }
  static std::vector<BadInputOf<PadConstant>> bad_inputs() {
    return {{{zeros({2, 3})}, {{1, 1}, 0}, "pad: 2 pads for x [2, 3]; expected two for each axis, 4"},
            {{zeros({2}, i64)}, {{1, 1}, 0.5}, "pad: a value of 0.5 for x i64 [2]; integers are padded with integers"},
            {{zeros({2})}, {{1, -1}, 0}, "pad: pads [1, -1] have a negative one; slice() cuts"}};
  }
};

using ArrangeOps = OpList<Roll, PadConstant>;

}  // namespace ops

using ops::ArrangeOps;

namespace {

/// Axes counted from the front; ValueError for one named twice.
std::vector<int> distinct_axes(const char* op, const std::vector<int>& axes, int rank) {
  std::vector<int> all;
  for (const int given : axes) {
    const int axis = normalized_axis(op, given, rank);
    if (std::ranges::find(all, axis) != all.end())
      throw ValueError(std::string(op) + ": axis " + std::to_string(axis) + " is given twice");
    all.push_back(axis);
  }
  return all;
}

}  // namespace

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int axis) {
  axis = normalized_axis("split", axis, x.rank());
  Checked total("split", 0);
  for (const std::int64_t size : sizes) {
    if (size < 0) throw ValueError("split: a size of " + std::to_string(size) + "; sizes are zero or more");
    total += size;
  }
  if (total != x.shape()[axis])
    throw ShapeError("split: the sizes add up to " + std::to_string(total) + ", axis " + std::to_string(axis) + " of " +
                     to_string(x.shape()) + " has " + std::to_string(x.shape()[axis]) + " positions");
  std::vector<Tensor> parts;
  std::int64_t start = 0;
  for (const std::int64_t size : sizes) {
    parts.push_back(slice(x, axis, start, start + size));
    start += size;
  }
  return parts;
}

std::vector<Tensor> split(const Tensor& x, std::int64_t size, int axis) {
  axis = normalized_axis("split", axis, x.rank());
  if (size < 1) throw ValueError("split: a size of " + std::to_string(size) + "; it must be at least 1");
  std::vector<Tensor> parts;
  std::int64_t left = x.shape()[axis];
  do {
    const std::int64_t start = x.shape()[axis] - left;
    parts.push_back(slice(x, axis, start, start + std::min(size, left)));
    left -= parts.back().shape()[axis];
  } while (left > 0);
  return parts;
}

std::vector<Tensor> chunk(const Tensor& x, std::int64_t count, int axis) {
  axis = normalized_axis("chunk", axis, x.rank());
  if (count < 1) throw ValueError("chunk: " + std::to_string(count) + " chunks; at least 1 is needed");
  return split(x, std::max<std::int64_t>(1, x.shape()[axis] / count + (x.shape()[axis] % count != 0)), axis);
}

std::vector<Tensor> unbind(const Tensor& x, int axis) {
  axis = normalized_axis("unbind", axis, x.rank());
  std::vector<Tensor> positions;
  for (std::int64_t i = 0; i < x.shape()[axis]; ++i) positions.push_back(select(x, axis, i));
  return positions;
}

Tensor flip(const Tensor& x) {
  std::vector<int> all(static_cast<std::size_t>(x.rank()));
  std::iota(all.begin(), all.end(), 0);
  return flip(x, all);
}

Tensor flip(const Tensor& x, const std::vector<int>& axes) {
  const std::vector<int> reversed = distinct_axes("flip", axes, x.rank());
  Tensor y = x;
  for (const int axis : reversed) y = slice(y, axis, Slice::kEnd, Slice::kEnd, -1);
  return y;
}

Tensor rot90(const Tensor& x, std::int64_t quarters, int first, int second) {
  const std::vector<int> plane = distinct_axes("rot90", {first, second}, x.rank());
  switch ((quarters % 4 + 4) % 4) {
    case 1:
      return transpose(flip(x, {plane[1]}), plane[0], plane[1]);
    case 2:
      return flip(x, plane);
    case 3:
      return flip(transpose(x, plane[0], plane[1]), {plane[1]});
    default:
      return x;
  }
}

Tensor movedim(const Tensor& x, const std::vector<int>& from, const std::vector<int>& to) {
  if (from.size() != to.size())
    throw ValueError("movedim: " + std::to_string(from.size()) + " axes and " + std::to_string(to.size()) +
                     " places for them; there must be as many");
  const std::vector<int> axes = distinct_axes("movedim", from, x.rank());
  const std::vector<int> places = distinct_axes("movedim", to, x.rank());
  Integers order(static_cast<std::size_t>(x.rank()), -1);
  for (std::size_t i = 0; i < axes.size(); ++i) order[static_cast<std::size_t>(places[i])] = axes[i];
  int next = 0;  // of the axes that stay in order
  for (std::int64_t& axis : order) {
    if (axis != -1) continue;
    while (std::ranges::find(axes, next) != axes.end()) ++next;
    axis = next++;
  }
  return permute(x, order);
}

Tensor movedim(const Tensor& x, int from, int to) { return movedim(x, std::vector{from}, std::vector{to}); }

Tensor roll(const Tensor& x, std::int64_t shift, int axis) {
  return ArrangeOps::apply<ops::Roll>({shift, axis}, {x}).y;
}

namespace {

// Axes up to `axis` repeat as one: [outer, inner] becomes [outer, times, inner], whose middle belongs to `axis`.
Tensor repeat_blocks(const Tensor& x, std::int64_t outer, std::int64_t times, const Shape& shape) {
  const std::int64_t inner = outer ? x.numel() / outer : 0;
  return reshape(broadcast_to(reshape(x, {outer, 1, inner}), {outer, times, inner}), shape);
}

}  // namespace

Tensor tile(const Tensor& x, const std::vector<std::int64_t>& repeats) {
  Tensor y = x;
  for (std::size_t i = static_cast<std::size_t>(x.rank()); i < repeats.size(); ++i) y = unsqueeze(y, 0);
  const int lead = y.rank() - static_cast<int>(repeats.size());
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0) throw ValueError("tile: " + format_attribute(repeats) + " repeats a negative number of times");
    const int axis = lead + static_cast<int>(i);
    if (repeats[i] == 1) continue;
    y = repeat_blocks(y, slab_around(y.shape(), axis).outer, repeats[i],
                      y.shape().with(axis, Checked("tile", y.shape()[axis]) * repeats[i]));
  }
  return y;
}

Tensor repeat(const Tensor& x, std::int64_t count, int axis) {
  axis = normalized_axis("repeat", axis, x.rank());
  if (count < 0) throw ValueError("repeat: a count of " + std::to_string(count) + "; it must be zero or more");
  const Slab s = slab_around(x.shape(), axis);
  return repeat_blocks(x, s.outer * s.count, count, x.shape().with(axis, Checked("repeat", s.count) * count));
}

Tensor expand(const Tensor& x, const std::vector<std::int64_t>& shape) {
  Integers dims = shape;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const auto own = static_cast<int>(i + static_cast<std::size_t>(x.rank())) - static_cast<int>(dims.size());
    if (dims[i] != -1) continue;
    if (own < 0)
      throw ShapeError("expand: " + format_attribute(shape) + " keeps axis " + std::to_string(i) +
                       ", which is new to x " + to_string(x.shape()));
    dims[i] = x.shape()[own];
  }
  return broadcast_to(x, Shape(dims));
}

std::vector<Tensor> meshgrid(std::span<const Tensor> tensors) {
  Integers grid;
  for (const Tensor& t : tensors) {
    if (t.rank() != 1)
      throw ShapeError("meshgrid: tensor " + std::to_string(grid.size()) + " is " + to_string(t.shape()) +
                       "; one axis is expected");
    grid.push_back(t.numel());
  }
  const Shape shape(grid);
  std::vector<Tensor> views;
  for (const Tensor& t : tensors) {
    Integers own(grid.size(), 1);
    own[views.size()] = t.numel();
    views.push_back(broadcast_to(reshape(t, own), shape));
  }
  return views;
}
std::vector<Tensor> meshgrid(std::initializer_list<Tensor> tensors) {
  return meshgrid(std::span(tensors.begin(), tensors.size()));
}

namespace {

// For each position of an axis of `extent` padded so, the position that it repeats.
Tensor padded_positions(std::int64_t extent, const Pad& by, PadMode mode) {
  const std::int64_t most = std::max(by.before, by.after), room = mode == PadMode::reflect    ? extent - 1
                                                                  : mode == PadMode::circular ? extent
                                                                  : extent > 0                ? most
                                                                                              : 0;
  if (most > room)
    throw ShapeError("pad: " + std::to_string(by.before) + " before and " + std::to_string(by.after) +
                     " after an axis of extent " + std::to_string(extent) +
                     (mode == PadMode::reflect    ? "; reflect needs a larger extent than either"
                      : mode == PadMode::circular ? "; circular needs at least the larger one's extent"
                                                  : "; there is nothing to replicate"));
  Tensor positions = empty({Checked("pad", by.before) + extent + by.after}, i64);
  std::int64_t from = -by.before;
  for (std::int64_t& p : positions.mutable_data<std::int64_t>()) {
    if (mode == PadMode::reflect)
      p = from < 0 ? -from : from >= extent ? 2 * (extent - 1) - from : from;
    else if (mode == PadMode::circular)
      p = (from + extent) % extent;
    else
      p = std::clamp<std::int64_t>(from, 0, extent - 1);
    ++from;
  }
  return positions;
}

}  // namespace

Tensor pad(const Tensor& x, const std::vector<Pad>& pads, PadMode mode, double value) {
  if (pads.size() > static_cast<std::size_t>(x.rank()))
    throw ValueError("pad: pads for " + std::to_string(pads.size()) + " axes, x is " + to_string(x.shape()));
  const int lead = x.rank() - static_cast<int>(pads.size());
  Tensor y = x;
  ops::PadConstant::Attrs around{Integers(static_cast<std::size_t>(2 * x.rank())), value};
  for (std::size_t i = 0; i < pads.size(); ++i) {
    const int axis = lead + static_cast<int>(i);
    const std::int64_t extent = x.shape()[axis];
    const Checked none("pad", 0);
    const Pad cut{std::max<std::int64_t>(none - pads[i].before, 0), std::max<std::int64_t>(none - pads[i].after, 0)};
    const Pad by{std::max<std::int64_t>(pads[i].before, 0), std::max<std::int64_t>(pads[i].after, 0)};
    if (Checked("pad", cut.before) + cut.after > extent)
      throw ShapeError("pad: " + std::to_string(cut.before) + " and " + std::to_string(cut.after) +
                       " positions cut off an axis of extent " + std::to_string(extent));
    if (cut.before + cut.after > 0) y = slice(y, axis, cut.before, extent - cut.after);
    if (mode != PadMode::constant && (by.before > 0 || by.after > 0))
      y = take(y, padded_positions(y.shape()[axis], by, mode), axis);
    around.pads[static_cast<std::size_t>(2 * axis)] = by.before;
    around.pads[static_cast<std::size_t>(2 * axis) + 1] = by.after;
  }
  const bool adds = std::any_of(around.pads.begin(), around.pads.end(), [](std::int64_t p) { return p != 0; });
  return mode == PadMode::constant && adds ? ArrangeOps::apply<ops::PadConstant>(around, {y}).y : y;
}

std::span<const OpEntry> arrange_ops() { return ArrangeOps::entries; }

}  // namespace tapegrad
