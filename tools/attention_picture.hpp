#pragma once
// A picture of what a translator looked at.

#include <string>
#include <tapegrad/core/tensor.hpp>
#include <vector>

namespace tapegrad::tools {

/// SVG: a row a token that was written, a column a token that was read, the darker the more of `weights` [rows,
/// columns], from 0 to 1, lies there.
std::string attention_svg(const Tensor& weights, const std::vector<std::string>& rows,
                          const std::vector<std::string>& columns);

}  // namespace tapegrad::tools
