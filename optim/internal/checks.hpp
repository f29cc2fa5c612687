#pragma once
// What an optimiser can train, and with what.

#include <string_view>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad::optim {

/// ValueError, which begins with `who`, unless the parameter is a dense floating leaf whose elements do not share
/// memory.
void require_trainable(std::string_view who, std::string_view name, const Tensor& parameter);

/// ShapeError or DTypeError unless the gradient has the parameter's shape and dtype.
void require_fitting(std::string_view who, std::string_view name, const Tensor& parameter, const Tensor& gradient);

}  // namespace tapegrad::optim
