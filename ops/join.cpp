#include <cstring>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/arrange.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/slab.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

// Each tensor is dense runs, as many as there are positions before `axis` of the result, which takes one run of each in
// turn.
void interleave(std::span<const Tensor> tensors, int axis, Tensor& y) {
  const std::int64_t outer = slab_around(y.shape(), axis).outer;
  if (outer == 0) return;
  std::byte* to = engine::node_of(y).data;
  const std::size_t step = static_cast<std::size_t>(y.numel()) * size_of(y.dtype()) / static_cast<std::size_t>(outer);
  for (const Tensor& t : tensors) {
    const std::size_t run = static_cast<std::size_t>(t.numel()) * size_of(t.dtype()) / static_cast<std::size_t>(outer);
    if (run == 0) continue;
    const std::byte* from = engine::node_of(t).data;
    for (std::size_t o = 0; o < static_cast<std::size_t>(outer); ++o) std::memcpy(to + o * step, from + o * run, run);
    to += run;
  }
}

struct JoinAttrs {
  int axis = 0;
  bool operator==(const JoinAttrs&) const = default;
  static constexpr auto fields() { return std::tuple{Field{"axis", &JoinAttrs::axis, "along which they are joined"}}; }
};

/// What both ops have in common.
struct Join {
  struct In {
    std::vector<Tensor> x;
  };
  struct Out {
    Tensor y;
  };
  using Attrs = JoinAttrs;
  static Cost cost(const Attrs&, const In&, const Out& out) { return internal::moved(out.y); }
};

}  // namespace

namespace ops {

struct Concat : Join {
  static constexpr OpInfo info{.name = "concat",
                               .formula = "y = x0, x1, … one after the other on one axis",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::shape};
  static int axis_of(const Attrs& a, int rank) { return normalized_axis("concat", a.axis, rank); }

  static void check(const Attrs& a, const In& in) {
    const Shape& first = in.x[0].shape();
    if (first.rank() == 0) throw ShapeError("concat: x[0] is a scalar, which has no axis; use stack()");
    const int axis = axis_of(a, first.rank());
    for (std::size_t i = 0; i < in.x.size(); ++i) {
      const Shape& own = in.x[i].shape();
      if (own.rank() != first.rank() || own.with(axis, 0) != first.with(axis, 0))
        throw ShapeError("concat: x[0] is " + to_string(first) + " and x[" + std::to_string(i) + "] " + to_string(own) +
                         "; extents other than that of axis " + std::to_string(axis) + " must be equal");
    }
  }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape& first = in.x[0].shape();
    const int axis = axis_of(a, first.rank());
    std::int64_t total = 0;
    for (const Tensor& t : in.x) total += t.shape()[axis];
    return {op::spec(first.with(axis, total), in.x[0].dtype())};
  }
  static void forward(const Attrs& a, const In& in, Out& out) { interleave(in.x, axis_of(a, out.y.rank()), out.y); }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In> wanted) {
    const int axis = axis_of(a, g.y.rank());
    In d{std::vector<Tensor>(wanted.count(&In::x))};
    std::int64_t start = 0;
    for (std::size_t i = 0; i < d.x.size(); ++i) {
      const std::int64_t end = start + wanted.shape(&In::x, i)[axis];
      if (wanted(&In::x, i)) d.x[i] = slice(g.y, axis, start, end);
      start = end;
    }
    return d;
  }
  static std::vector<SampleOf<Concat>> samples(Rng& rng) {
    const Tensor same = randn({2, 2}, f64, rng);
    return {{{{randn({2, 3}, f64, rng), randn({1, 3}, f64, rng)}}, {0}},
            {{{randn({2, 1}, f64, rng), transpose(randn({3, 2}, f64, rng)), randn({2, 0}, f64, rng)}}, {-1}},
            {{{same, same}}, {1}},
            {{{randn({1, 1, 2}, f64, rng), randn({1, 2, 2}, f64, rng)}}, {1}},
            {{{randn({2}, f64, rng)}}, {0}},
            {{{randn({1}, f64, rng), randn({1}, f64, rng), randn({1}, f64, rng), randn({1}, f64, rng),
               randn({1}, f64, rng)}},
             {0}},
            {{{zeros({0, 2}, f64), zeros({0, 3}, f64)}}, {1}}};
  }
  static std::vector<BadInputOf<Concat>> bad_inputs() {
    return {
        {{{zeros({2, 3}), zeros({2, 4})}}, {0}, "concat: x[0] is [2, 3] and x[1] [2, 4]; extents other than that of"},
        {{{zeros({2, 3}), zeros({3})}}, {0}, "concat: x[0] is [2, 3] and x[1] [3]"},
        {{{zeros({})}}, {0}, "x[0] is a scalar, which has no axis; use stack()"},
        {{{zeros({2})}}, {1}, "axis 1 is outside a tensor of rank 1"},
        {{}, {0}, "concat: takes one or more inputs"}};
  }
};

struct Stack : Join {
  static constexpr OpInfo info{.name = "stack",
                               .formula = "y = x0, x1, … side by side on a new axis",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::shape};
  static int axis_of(const Attrs& a, int rank) { return normalized_axis("stack", a.axis, rank); }

  static void check(const Attrs& a, const In& in) {
    const Shape& first = in.x[0].shape();
    if (first.rank() == kMaxRank)
      throw ShapeError("stack: x[0] is " + to_string(first) + ", which leaves no room for another axis");
    for (std::size_t i = 0; i < in.x.size(); ++i)
      if (in.x[i].shape() != first)
        throw ShapeError("stack: x[0] is " + to_string(first) + " and x[" + std::to_string(i) + "] " +
                         to_string(in.x[i].shape()) + "; shapes must be equal");
    axis_of(a, first.rank() + 1);
  }
  static Out shapes(const Attrs& a, const In& in) {
    const Shape& first = in.x[0].shape();
    const int axis = axis_of(a, first.rank() + 1);
    return {op::spec(first.insert(axis, static_cast<std::int64_t>(in.x.size())), in.x[0].dtype())};
  }
  static void forward(const Attrs& a, const In& in, Out& out) { interleave(in.x, axis_of(a, out.y.rank()), out.y); }
  static In pull(const Attrs& a, const Out& g, op::Wanted<In> wanted) {
    In d{std::vector<Tensor>(wanted.count(&In::x))};
    for (std::size_t i = 0; i < d.x.size(); ++i)
      if (wanted(&In::x, i)) d.x[i] = select(g.y, a.axis, static_cast<std::int64_t>(i));
    return d;
  }
  static std::vector<SampleOf<Stack>> samples(Rng& rng) {
    const Tensor same = randn({2, 2}, f64, rng);
    return {{{{randn({2, 3}, f64, rng), randn({2, 3}, f64, rng)}}, {0}},
            {{{randn({2, 3}, f64, rng), transpose(randn({3, 2}, f64, rng))}}, {1}},
            {{{same, same}}, {-1}},
            {{{randn({}, f64, rng), randn({}, f64, rng), randn({}, f64, rng), randn({}, f64, rng)}}, {0}},
            {{{zeros({0, 2}, f64), zeros({0, 2}, f64)}}, {2}}};
  }
  static std::vector<BadInputOf<Stack>> bad_inputs() {
    return {{{{zeros({2}), zeros({3})}}, {0}, "stack: x[0] is [2] and x[1] [3]; shapes must be equal"},
            {{{zeros({2}), zeros({2})}}, {2}, "axis 2 is outside a tensor of rank 2"},
            {{{zeros({1, 1, 1, 1, 1, 1, 1, 1})}}, {0}, "leaves no room for another axis"},
            {{}, {0}, "stack: takes one or more inputs"}};
  }
};

using JoinOps = OpList<Concat, Stack>;

}  // namespace ops

using ops::JoinOps;

Tensor concat(std::span<const Tensor> tensors, int axis) {
  return JoinOps::apply<ops::Concat>({axis}, {{tensors.begin(), tensors.end()}}).y;
}
Tensor concat(std::initializer_list<Tensor> tensors, int axis) {
  return concat(std::span(tensors.begin(), tensors.size()), axis);
}
Tensor stack(std::span<const Tensor> tensors, int axis) {
  return JoinOps::apply<ops::Stack>({axis}, {{tensors.begin(), tensors.end()}}).y;
}
Tensor stack(std::initializer_list<Tensor> tensors, int axis) {
  return stack(std::span(tensors.begin(), tensors.size()), axis);
}

namespace {

// Axes are added behind a vector's own in front of axis 2, and before all others in front of axis 1, as in NumPy.
Tensor with_rank(const Tensor& x, int rank) {
  Tensor y = x;
  while (y.rank() < rank) y = unsqueeze(y, y.rank() < 2 ? 0 : 2);
  return y;
}

Tensor join_along(std::span<const Tensor> tensors, int axis) {
  std::vector<Tensor> all;
  for (const Tensor& t : tensors) all.push_back(with_rank(t, axis == 1 ? 1 : axis == 0 ? 2 : 3));
  return concat(all, axis == 1 && !all.empty() && all[0].rank() == 1 ? 0 : axis);
}

}  // namespace

Tensor hstack(std::span<const Tensor> tensors) { return join_along(tensors, 1); }
Tensor hstack(std::initializer_list<Tensor> tensors) { return hstack(std::span(tensors.begin(), tensors.size())); }
Tensor vstack(std::span<const Tensor> tensors) { return join_along(tensors, 0); }
Tensor vstack(std::initializer_list<Tensor> tensors) { return vstack(std::span(tensors.begin(), tensors.size())); }
Tensor dstack(std::span<const Tensor> tensors) { return join_along(tensors, 2); }
Tensor dstack(std::initializer_list<Tensor> tensors) { return dstack(std::span(tensors.begin(), tensors.size())); }

std::span<const OpEntry> join_ops() { return JoinOps::entries; }

}  // namespace tapegrad
