#pragma once
// Values of Python as the pickle that torch.save writes: protocol 2, of the names that weights_only allows.

#include <string>
#include <tapegrad/interchange/pytorch.hpp>
#include <vector>

namespace tapegrad::io {

struct WrittenPickle {
  std::string bytes;
  /// Dense, one axis: the member data/0 has the first one's numbers, and so on.
  std::vector<Tensor> buffers;
};

/// ValueError if a key is neither text nor integer or a tensor is undefined.
WrittenPickle write_pickle(const PythonValue& value);

}  // namespace tapegrad::io
