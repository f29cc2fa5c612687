#include <tapegrad/op/op_list.hpp>
#include <tapegrad/op/structural.hpp>
#include <tapegrad/ops/cast.hpp>

namespace tapegrad {
namespace ops {

struct Cast {
  static constexpr OpInfo info{.name = "cast",
                               .formula = "y = x in another dtype",
                               .doc = "Converts the elements; the gradient is converted back.",
                               .inputs = {"x"},
                               .saves = kSavesNothing,
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::shape};
  struct Attrs {
    DType dtype = f32;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"dtype", &Attrs::dtype, "of the result"}}; }
  };
  static TensorSpec result(const Attrs& a, const Tensor& x) { return {x.shape(), a.dtype}; }
  static void forward(const Attrs&, const Tensor& x, Tensor& y) { y.copy_from(x); }
  static Tensor vjp(wrt<0>, const Attrs&, const Tensor& g, Unsaved x, Unsaved) { return cast(g, x.dtype()); }
  static std::vector<SampleOf<Cast>> samples(Rng& rng) {
    return {{{randn({2, 3}, f64, rng)}, {.dtype = f64}}, {{randn({0, 3}, f64, rng)}, {.dtype = f32}}};
  }
  static std::vector<BadInputOf<Cast>> bad_inputs() { return {}; }
};

using CastOps = OpList<Cast>;

}  // namespace ops

Tensor cast(const Tensor& x, DType dtype) {
  return x.dtype() == dtype ? x : ops::CastOps::apply<ops::Cast>(ops::Cast::Attrs{dtype}, x);
}

std::span<const OpEntry> cast_ops() { return ops::CastOps::entries; }

}  // namespace tapegrad
