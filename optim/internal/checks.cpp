#include <tapegrad/optim/internal/checks.hpp>

#include <fmt/format.h>

#include <tapegrad/core/error.hpp>

namespace tapegrad::optim {

void require_trainable(std::string_view who, std::string_view name, const Tensor& parameter) {
  if (!parameter.defined()) throw ValueError(fmt::format("{}: the parameter '{}' is undefined", who, name));
  if (!parameter.is_leaf() || !is_floating(parameter.dtype()) || parameter.row_sparse())
    throw ValueError(fmt::format("{}: '{}', {}, is not a dense floating leaf", who, name, describe(parameter)));
  const Strides strides = parameter.strides();
  for (int axis = 0; axis < parameter.rank(); ++axis)
    if (parameter.size(axis) > 1 && strides[static_cast<std::size_t>(axis)] == 0)
      throw ValueError(fmt::format("{}: '{}', {}, is a broadcast view, whose elements share memory; clone() it", who,
                                   name, describe(parameter)));
}

void require_fitting(std::string_view who, std::string_view name, const Tensor& parameter, const Tensor& gradient) {
  if (gradient.shape() != parameter.shape())
    throw ShapeError(fmt::format("{}: the gradient of '{}' is {}, the parameter {}", who, name,
                                 to_string(gradient.shape()), to_string(parameter.shape())));
  if (gradient.dtype() != parameter.dtype())
    throw DTypeError(fmt::format("{}: the gradient of '{}' is {}, the parameter {}", who, name,
                                 name_of(gradient.dtype()), name_of(parameter.dtype())));
}

}  // namespace tapegrad::optim
