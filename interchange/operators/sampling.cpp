// Random numbers: from `seed` where the node has one, else from the thread's generator.

#include <bit>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/interchange/internal/onnx_families.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/elementary.hpp>
#include <tapegrad/ops/sampling.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::onnx {
namespace {

template <class F>
auto with_rng(const Call& c, const F& f) {
  if (!c.has_attribute("seed")) return f(default_rng());
  Rng rng(std::bit_cast<std::uint32_t>(static_cast<float>(c.number("seed", 0))));
  return f(rng);
}

ElementType type_or(const Call& c, ElementType absent) {
  return static_cast<ElementType>(c.integer("dtype", static_cast<std::int64_t>(absent)));
}
Value drawn(const Call& c, const Shape& shape, ElementType type, bool normal) {
  const double mean = c.number("mean", 0), scale = c.number("scale", 1);
  const double low = c.number("low", 0), high = c.number("high", 1);
  return with_rng(c, [&](Rng& rng) -> Value {
    Tensor t = empty(shape, f64);
    for (double& x : t.mutable_data<double>())
      x = normal ? mean + scale * rng.normal() : low + (high - low) * rng.uniform();
    return {cast(t, dtype_of(type)), type};
  });
}
template <bool normal>
Value of_shape(const Call& c) {
  return drawn(c, Shape(std::span<const std::int64_t>(c.integers("shape"))), type_or(c, ElementType::float32), normal);
}
template <bool normal>
Value like(const Call& c) {
  return drawn(c, c.in(0).shape(), type_or(c, c.type(0)), normal);
}
Value coins(const Call& c) {
  const ElementType type = type_or(c, c.type(0));
  return with_rng(c, [&](Rng& rng) -> Value { return {cast(bernoulli(c.in(0).detach(), rng), dtype_of(type)), type}; });
}
Value classes(const Call& c) {
  const ElementType type = type_or(c, ElementType::int32);
  const Tensor weights = exp(c.in(0).detach());
  return with_rng(c, [&](Rng& rng) -> Value {
    return {cast(multinomial(weights, c.integer("sample_size", 1), true, rng), dtype_of(type)), type};
  });
}

constexpr Importer kImporters[] = {
    {"Bernoulli", coins},
    {"Multinomial", classes},
    {"RandomNormal", of_shape<true>},
    {"RandomNormalLike", like<true>},
    {"RandomUniform", of_shape<false>},
    {"RandomUniformLike", like<false>},
};

}  // namespace

std::span<const Importer> sampling_importers() { return kImporters; }

}  // namespace tapegrad::onnx
