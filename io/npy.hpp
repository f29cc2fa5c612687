#pragma once
// Arrays in NumPy's files: one in a .npy, several with names in a .npz.

#include <filesystem>
#include <tapegrad/core/named_tensors.hpp>

namespace tapegrad::io {

/// Writes the file as a whole or not at all: version 1.0, C order, little-endian. Throws IoError if it cannot be
/// written.
void save_npy(const std::filesystem::path& path, const Tensor& tensor);

/// The array: versions 1 to 3, C or Fortran order, either byte order, dtypes f4, f8, i4, i8, u1 and b1. Throws IoError
/// that says what is wrong if the file is anything else, or longer or shorter than its header says; such a file costs
/// memory in proportion to its size at most.
Tensor load_npy(const std::filesystem::path& path);

/// As numpy.savez: each tensor as "<name>.npy", not compressed. Throws ValueError if two names are equal, one is empty
/// or has a NUL, or the file would be larger than 4 GiB; IoError if it cannot be written.
void save_npz(const std::filesystem::path& path, const NamedTensors& tensors);

/// The arrays of numpy.savez or numpy.savez_compressed in the order of the archive, their names without ".npy". Throws
/// IoError as load_npy, and if the archive is damaged or encrypted, holds something else, or unpacks to more than
/// input_limits() allows: found out before memory is taken for any array.
NamedTensors load_npz(const std::filesystem::path& path);

}  // namespace tapegrad::io
