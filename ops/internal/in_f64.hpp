#pragma once
// Ops of f32 by way of f64, where what they compute on the way may leave the range of f32 although their results do
// not.

#include <concepts>
#include <optional>
#include <tapegrad/op/structural.hpp>
#include <tapegrad/ops/internal/scale.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad::internal {

/// What makes an op leave the range: quotients do both, sums of products the large numbers only.
enum class Extremes { large, both };

/// Whether an element of a tensor of f32 is extreme.
template <std::derived_from<Tensor>... T>
bool any_extreme(Extremes kind, const T&... tensors) {
  const auto in = [&](const Tensor& t) {
    return t.defined() && t.dtype() == f32 && !(kind == Extremes::large ? is_far_from_infinity(t) : is_moderate(t));
  };
  return (... || in(tensors));
}

/// Op O in f64, its results in f32: recorded so, so that gradients go the same way. Nothing if not all floating inputs
/// are f32. `attributes` are O's, or none. For O::instead.
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

/// The same, where an element of an input is extreme.
template <class O, class... A>
std::optional<typename O::Out> in_f64_if(Extremes kind, const typename O::In& in, const A&... attributes) {
  const bool extreme = op::with_members(in, [&](const auto&... t) { return any_extreme(kind, t...); });
  return extreme ? in_f64<O>(in, attributes...) : std::nullopt;
}

}  // namespace tapegrad::internal
