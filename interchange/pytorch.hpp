#pragma once
// Files of torch.save, the ZIP format since PyTorch 1.6: tensors in plain containers. Nothing in a file is run.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <tapegrad/core/named_tensors.hpp>
#include <utility>
#include <variant>
#include <vector>

namespace tapegrad::io {

/// A value of Python as plain data.
struct PythonValue {
  using List = std::vector<PythonValue>;
  /// A tuple, apart from a list.
  struct Tuple {
    List items;
  };
  /// In the order of insertion; keys differ.
  using Dict = std::vector<std::pair<PythonValue, PythonValue>>;

  /// None, bool, int, float, str, torch.Tensor, list, tuple (torch.Size too), dict (OrderedDict too).
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Tensor, List, Tuple, Dict> data{};

  /// The entry of a dict. ValueError, which lists the keys, if there is none.
  const PythonValue& operator[](std::string_view key) const;
};

/// What torch.save was given: a state dict, or a checkpoint that nests some. Tensors that share memory in the file
/// share it here, strided as there; dtypes are widened as load_safetensors does; a tensor that required a gradient
/// does. torch.dtype and torch.device become their text, and attributes of an OrderedDict are left out. Throws IoError
/// for anything that is no plain data, named, with its place in the pickle; such a file costs memory in proportion to
/// its size at most. As PyTorch, does not compare checksums.
PythonValue load_pytorch(const std::filesystem::path& path);

/// All tensors in `value`, in order; keys and positions on the way to each, joined by dots, are its name: those of a
/// state dict are as in PyTorch. ValueError if two have one name.
NamedTensors named_tensors(const PythonValue& value);

/// A file for torch.load(path, weights_only=True); written as a whole or not at all. Tensors that share memory share it
/// there. Throws ValueError if a key is no text, number or truth value, IoError if the file cannot be written.
void save_pytorch(const std::filesystem::path& path, const PythonValue& value);
/// The same of a dict, for load_state_dict.
void save_pytorch(const std::filesystem::path& path, const NamedTensors& tensors);

}  // namespace tapegrad::io
