#pragma once
// Tensors of ONNX files.

#include <filesystem>
#include <tapegrad/interchange/internal/onnx_schema.hpp>
#include <tapegrad/interchange/onnx.hpp>

namespace tapegrad::onnx {

/// The value of a tensor, read from the files of `folder` if it is external. IoError that says what is wrong.
Value value_of(const schema::Tensor& tensor, const std::filesystem::path& folder);
/// The tensor with zeros where a sparse one names no value.
Value value_of(const schema::SparseTensor& tensor, const std::filesystem::path& folder);

/// What the format declares of a value.
ValueInfo info_of(const schema::ValueInfo& info);

/// Integers brought into the range of a type that is narrower than the dtype which holds it, as overflow does. Others
/// as they are. Not recorded.
Tensor wrapped(const Tensor& x, ElementType type);
/// Floats rounded to the nearest float16 or bfloat16, with the gradient of what they were.
Tensor rounded(const Tensor& x, ElementType type);

}  // namespace tapegrad::onnx
