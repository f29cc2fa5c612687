#include <algorithm>
#include <tapegrad/core/autograd.hpp>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/ops/arithmetic.hpp>
#include <tapegrad/ops/indexing.hpp>
#include <tapegrad/ops/internal/in_place.hpp>
#include <tapegrad/ops/selection.hpp>
#include <tapegrad/ops/view.hpp>

namespace tapegrad {
namespace {

bool chooses_a_view(std::span<const Index> indices) {
  return std::none_of(indices.begin(), indices.end(), [](const Index& i) { return i.get<Tensor>() != nullptr; });
}

/// For each element of at(x, indices), its position in the flattened x.
Tensor places_of(const Tensor& x, std::span<const Index> indices) {
  return at(reshape(arange(x.numel()), x.shape()), indices).contiguous();
}

/// As a tensor of x's dtype, once it is known to broadcast to `chosen`, a part of x.
Tensor writable(const char* name, const Tensor& x, const Operand& given, const Shape& chosen) {
  const Tensor y = given.is_number() ? scalar(given.number(), x.dtype()) : given.tensor();
  if (!broadcasts_to(y.shape(), chosen))
    throw ShapeError(std::string(name) + ": " + describe(y) + " does not broadcast to " + to_string(chosen) +
                     ", the elements of " + describe(x) + " that it is written to");
  internal::require_dtype(name, x, given.is_number() && !given.is_integral() ? f32 : y.dtype());
  return broadcast_to(cast(y, x.dtype()), chosen);
}

/// x with `y`, of the shape of `places`, at these positions of the flattened x.
Tensor replaced(const Tensor& x, const Tensor& places, const Tensor& y) {
  Tensor source = zeros({x.numel()}, i64), written = zeros({x.numel()}, boolean);
  const auto from = source.mutable_data<std::int64_t>();
  const auto is_written = written.mutable_data<bool>();
  std::int64_t next = 0;
  for (const std::int64_t place : places.data<std::int64_t>()) {
    from[static_cast<std::size_t>(place)] = next++;
    is_written[static_cast<std::size_t>(place)] = true;
  }
  if (next == 0) return x;
  return where(reshape(written, x.shape()), reshape(take(reshape(y, {-1}), source, 0), x.shape()), x);
}

}  // namespace

void Elements::assign(const char* name, const Operand& given) {
  const Tensor y = given.is_number() ? scalar(given.number(), x_.dtype()) : given.tensor();
  const bool recorded = internal::changes_are_recorded(name, x_, y);
  Tensor chosen = value();
  const Tensor written = writable(name, x_, given, chosen.shape());
  if (!recorded && chooses_a_view(indices_)) return chosen.copy_from(written);
  Tensor result = replaced(x_, places_of(x_, indices_), written);
  if (recorded)
    x_ = std::move(result);
  else
    x_.copy_from(result);
}

Tensor index_put(const Tensor& x, const std::vector<Index>& indices, const Operand& y, bool accumulate) {
  const Tensor places = places_of(x, indices), written = writable("index_put", x, y, places.shape());
  if (!accumulate) return replaced(x, places, written);
  return reshape(index_add(flatten(x), 0, flatten(places), flatten(written)), x.shape());
}

void Elements::operator+=(const Operand& y) && { assign("elements +=", value() + y); }
void Elements::operator-=(const Operand& y) && { assign("elements -=", value() - y); }
void Elements::operator*=(const Operand& y) && { assign("elements *=", value() * y); }
void Elements::operator/=(const Operand& y) && { assign("elements /=", value() / y); }

}  // namespace tapegrad
