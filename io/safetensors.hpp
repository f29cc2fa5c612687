#pragma once
// Tensors in files: the format safetensors, which PyTorch, JAX, Candle and others read and write too. A file is data
// only; nothing in it is run.

#include <filesystem>
#include <map>
#include <string>
#include <tapegrad/core/named_tensors.hpp>

namespace tapegrad::io {

/// Free text that goes with the tensors.
using Metadata = std::map<std::string, std::string>;

/// Writes the file as a whole or not at all. Throws ValueError if two names are equal, one is "__metadata__" or a text
/// is not UTF-8, IoError if the file cannot be written.
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors, const Metadata& metadata = {});

/// The tensors in the order in which they lie in the file. Throws IoError that says what is wrong if the file is not
/// exactly what the format asks for, or has a dtype other than F32, F64, I64, I32, U8, BOOL, and F16 and BF16, which
/// become f32; such a file costs memory in proportion to its size at most.
NamedTensors load_safetensors(const std::filesystem::path& path, Metadata* metadata = nullptr);

}  // namespace tapegrad::io
