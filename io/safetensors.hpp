#pragma once
// Tensors in files: the format safetensors, which PyTorch, JAX, Candle and others read and write too. A file is data
// only; nothing in it is run.

#include <cstdint>
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
/// exactly what the format asks for, or has a dtype that is not read; such a file costs memory in proportion to its
/// size at most. F16, BF16, F8_E4M3 and F8_E5M2 become f32, I8, I16 and U16 i32, U32 i64: no value changes.
NamedTensors load_safetensors(const std::filesystem::path& path, Metadata* metadata = nullptr);

/// A set of files that lies beside its index, as large models are published: model.safetensors.index.json. The tensors
/// part by part. Throws IoError if the index or a part is not what it should be, or both disagree.
NamedTensors load_sharded_safetensors(const std::filesystem::path& index);

/// Parts of at most `part_bytes` bytes of numbers (or of one tensor) named model-00001-of-0000N.safetensors, and last
/// their index. Each is written as a whole or not at all.
void save_sharded_safetensors(const std::filesystem::path& index, const NamedTensors& tensors,
                              std::uint64_t part_bytes = std::uint64_t{5} << 30);

}  // namespace tapegrad::io
