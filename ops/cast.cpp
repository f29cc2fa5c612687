#include <tapegrad/op/op_list.hpp>
#include <tapegrad/ops/internal/unary.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace ops {

struct Cast : internal::Unary {
  static constexpr OpInfo info{.name = "cast",
                               .formula = "y = x in another dtype",
                               .doc = "Converts the elements; the gradient is converted back.",
                               .kind = Kind::numeric,
                               .forward = Forward::linear,
                               .group = Group::shape};
  struct Attrs {
    DType dtype = f32;
    bool operator==(const Attrs&) const = default;
    static constexpr auto fields() { return std::tuple{Field{"dtype", &Attrs::dtype, "of the result"}}; }
  };
  static Out shapes(const Attrs& a, const In& in) { return {op::spec(in.x.shape(), a.dtype)}; }
  static void forward(const Attrs&, const In& in, Out& out) { out.y.copy_from(in.x); }
  static In pull(const Attrs&, const Out& g, op::Wanted<In> wanted) { return {cast(g.y, wanted.dtype(&In::x))}; }
  static std::vector<SampleOf<Cast>> samples(Rng& rng) {
    return {{{randn({2, 3}, f64, rng)}, {.dtype = f64}}, {{randn({0, 3}, f64, rng)}, {.dtype = f32}}};
  }
  static std::vector<BadInputOf<Cast>> bad_inputs() { return {}; }
};

using CastOps = OpList<Cast>;

}  // namespace ops

Tensor cast(const Tensor& x, DType dtype) {
  return x.dtype() == dtype ? x : ops::CastOps::apply<ops::Cast>({dtype}, {x}).y;
}

std::span<const OpEntry> cast_ops() { return ops::CastOps::entries; }

}  // namespace tapegrad
