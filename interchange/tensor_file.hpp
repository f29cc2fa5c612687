#pragma once
// Files of named tensors, whatever wrote them.

#include <filesystem>
#include <string>
#include <tapegrad/core/named_tensors.hpp>

namespace tapegrad::io {

/// By the ending of the name: .safetensors, .index.json of a sharded set, .npz, and .pt, .pth, .ckpt and .bin of
/// PyTorch. ValueError for another ending; otherwise what the reader of the format throws.
NamedTensors load_tensors(const std::filesystem::path& path);

/// Whether the name has such an ending.
bool is_tensor_file(const std::filesystem::path& path);

/// A tree of the names' parts between dots, with shape and dtype of each tensor and the sizes below each branch:
///
///   4 tensors, 96 bytes
///   encoder                    64 bytes
///     weight  f32 [2, 4]       32 bytes
std::string tensor_tree(const NamedTensors& tensors);

}  // namespace tapegrad::io
