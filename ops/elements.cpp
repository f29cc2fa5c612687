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

/// x with `y`, of the shape of at(x, indices), at these indices.
Tensor replaced(const Tensor& x, std::span<const Index> indices, const Tensor& y) {
  const Tensor places = at(reshape(arange(x.numel()), x.shape()), indices).contiguous();
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
  if (!broadcasts_to(y.shape(), chosen.shape()))
    throw ShapeError(std::string(name) + ": " + describe(y) + " does not broadcast to " + to_string(chosen.shape()) +
                     ", the elements of " + describe(x_) + " that it is written to");
  internal::require_dtype(name, x_, given.is_number() && !given.is_integral() ? f32 : y.dtype());
  if (!recorded && chooses_a_view(indices_)) return chosen.copy_from(y);
  Tensor result = replaced(x_, indices_, broadcast_to(cast(y, x_.dtype()), chosen.shape()));
  if (recorded)
    x_ = std::move(result);
  else
    x_.copy_from(result);
}

void Elements::operator+=(const Operand& y) && { assign("elements +=", value() + y); }
void Elements::operator-=(const Operand& y) && { assign("elements -=", value() - y); }
void Elements::operator*=(const Operand& y) && { assign("elements *=", value() * y); }
void Elements::operator/=(const Operand& y) && { assign("elements /=", value() / y); }

}  // namespace tapegrad
