#pragma once
// Ops of f32 by way of f64, where what they compute on the way may leave the range of f32 although their results do
// not.

#include <optional>
#include <tapegrad/op/structural.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::internal {

/// What makes an op leave the range: quotients do both, sums of products the large numbers only.
enum class Extremes { large, both };

inline bool has_extremes(const Tensor& t, Extremes kind) {
  if (!t.defined() || t.dtype() != f32) return false;
  return !(kind == Extremes::large ? is_far_from_infinity(t) : is_moderate(t));
}

/// Op O in f64, its results in f32: recorded so, so that gradients go the same way. Nothing if not all floating inputs
/// are f32. `attributes` are O's, or none.
template <class O, class... A>
std::optional<typename O::Out> in_f64(const typename O::In& in, const A&... attributes) {
  bool single = true;
  typename O::In wide = in;
  op::for_members(wide, [&](Tensor& t) {
    if (!t.defined() || !is_floating(t.dtype())) return;
    single &= t.dtype() == f32;
    t = cast(t, f64);
  });
  if (!single) return std::nullopt;
  typename O::Out out = apply<O>(attributes..., std::move(wide));
  op::for_members(out, [](Tensor& t) { t = t.dtype() == f64 ? cast(t, f32) : t; });
  return out;
}

/// The same, where an element of an input is extreme. For O::instead.
template <class O, class... A>
std::optional<typename O::Out> in_f64_if(Extremes kind, const typename O::In& in, const A&... attributes) {
  bool extreme = false;
  op::for_members(in, [&](const Tensor& t) { extreme = extreme || has_extremes(t, kind); });
  return extreme ? in_f64<O>(in, attributes...) : std::nullopt;
}

}  // namespace tapegrad::internal
