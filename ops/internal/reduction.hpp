#pragma once
// What reductions share: attributes, shapes, and the split of an array into slabs [outer, count, inner] whose middle
// is reduced. Axes that do not adjoin take one pass a group.

#include <functional>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/op/structural.hpp>
#include <tapegrad/ops/internal/costs.hpp>
#include <tapegrad/ops/internal/slab.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/reduce.hpp>
#include <tapegrad/ops/view.hpp>
#include <vector>

namespace tapegrad {

struct ReductionAttrs {
  Integers axes;  ///< empty: all
  bool keepdims = false;
  bool operator==(const ReductionAttrs&) const = default;
  static constexpr auto fields() {
    return std::tuple{Field{"axes", &ReductionAttrs::axes, "to reduce; none means all"},
                      Field{"keepdims", &ReductionAttrs::keepdims, "keep them with extent 1"}};
  }
};

/// As normalized_axis(), but 0 and -1 are axes of a scalar too, along which it has one element.
int reduced_axis(const char* op, std::int64_t axis, int rank);

class Reduction {
 public:
  /// Throws ValueError for an axis outside `shape` or given twice.
  Reduction(const char* op, const Shape& shape, const ReductionAttrs& attributes);

  /// Shape of the result.
  Shape shape() const { return keepdims_ ? unit_shape() : dropped_shape(); }
  /// With extent 1 for each reduced axis: what the gradient broadcasts from.
  Shape unit_shape() const;
  Shape dropped_shape() const;
  /// Elements that go into one of the result's.
  std::int64_t count() const;
  bool reduces(int axis) const { return reduced_[static_cast<std::size_t>(axis)]; }
  /// One for each run of adjoining axes, the last first; each works on the result of the one before.
  std::vector<Slab> slabs() const;
  /// The axes that stay, then those that go.
  Integers order() const;

 private:
  Shape from_;
  std::array<bool, kMaxRank> reduced_{};
  bool keepdims_;
};

/// `x` as one slab, whose middle holds what goes into one element of the result: itself where the reduced axes adjoin,
/// else a copy with them last.
struct MergedAxes {
  Tensor x;
  Slab slab;
};
MergedAxes merge_axes(const Reduction& reduction, const Tensor& x);

/// f applied along the reduced axes: f(t, axis) of a recorded t [outer, count, inner] with axis 1, in x's own shape.
Tensor along_axes(const Reduction& reduction, const Tensor& x,
                  const std::function<Tensor(const Tensor& t, int axis)>& f);

/// Runs `kernel(slab, in, out)` for each slab, with buffers between them.
template <class T, class Kernel>
void reduce_slabs(const Reduction& reduction, const T* in, T* out, const Kernel& kernel) {
  const std::vector<Slab> slabs = reduction.slabs();
  Tensor held;
  for (std::size_t i = 0; i < slabs.size(); ++i) {
    if (i + 1 == slabs.size()) {
      kernel(slabs[i], in, out);
      return;
    }
    Tensor next = empty({slabs[i].outer, slabs[i].inner}, dtype_of<T>());
    kernel(slabs[i], in, next.mutable_data<T>().data());
    held = std::move(next);
    in = held.data<T>().data();
  }
}

/// What reductions declare alike. Self has the rest.
template <class Self, class A = ReductionAttrs>
struct ReductionOp : internal::Unary {
  using Attrs = A;
  static Reduction over(const Attrs& a, const Shape& x) { return Reduction(Self::info.name.data(), x, a); }
  static Out shapes(const Attrs& a, const In& in) { return {op::spec(over(a, in.x.shape()).shape(), in.x.dtype())}; }
};

template <class O>
std::vector<SampleOf<O>> reduction_samples(Rng& rng) {
  const auto x = [&](const Shape& shape) { return randn(shape, f64, rng); };
  return {{{x({3, 4})}, {}},
          {{x({3, 4})}, {{0}, false}},
          {{x({2, 3, 4})}, {{-1}, true}},
          {{x({2, 3, 2})}, {{0, 2}, false}},
          {{x({2, 3, 2})}, {{1, 2}, true}},
          {{x({})}, {}},
          {{x({})}, {{-1}, true}},
          {{x({1})}, {}}};
}

template <class O>
std::vector<BadInputOf<O>> reduction_bad_inputs() {
  return {{{zeros({2, 3})}, {{2}, false}, "axis 2 is outside a tensor of rank 2"},
          {{zeros({2, 3})}, {{1, -1}, false}, "axis 1 is given twice"},
          {{zeros({})}, {{0, -1}, false}, "axis 0 is given twice"},
          {{zeros({})}, {{1}, false}, "axis 1 is outside a tensor of rank 0; a scalar has no axes"}};
}

}  // namespace tapegrad
