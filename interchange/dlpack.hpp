#pragma once
// Tensors of other libraries in the same process, without a copy: DLPack, which PyTorch, NumPy, JAX, TVM and others
// speak.

#include <tapegrad/core/tensor.hpp>

struct DLManagedTensor;  // of dlpack.h, the version without DLPACK_VERSION in the struct

namespace tapegrad {

/// The tensor's own memory and strides. Whoever takes it over calls its deleter once; what is written to it meanwhile
/// is not counted as a change in place: see begin_change(). GraphError if it requires a gradient (export detach()),
/// ValueError if only some rows are stored (export to_dense()).
DLManagedTensor* to_dlpack(const Tensor& tensor);

/// A leaf on the memory of `managed`, whose deleter is called when the last tensor that shares it is gone. Throws
/// DTypeError for elements that no dtype has, ShapeError for more than 8 axes, ValueError for memory of another device,
/// negative strides or elements that lie across their alignment; `managed` is the caller's still, then.
Tensor from_dlpack(DLManagedTensor* managed);

}  // namespace tapegrad
