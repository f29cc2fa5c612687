#pragma once
// Python's pickles, as far as torch.save writes them: what its reader and its writer share.
// Source: Lib/pickletools.py of CPython, which describes each opcode.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tapegrad/core/tensor.hpp>
#include <tapegrad/interchange/pytorch.hpp>
#include <tapegrad/io/internal/element_format.hpp>
#include <vector>

namespace tapegrad::io {

enum class Opcode : unsigned char {
  mark = '(',
  stop = '.',
  pop = '0',
  none = 'N',
  new_true = 0x88,
  new_false = 0x89,
  bin_int = 'J',
  bin_int1 = 'K',
  bin_int2 = 'M',
  long1 = 0x8a,
  bin_float = 'G',
  bin_unicode = 'X',
  short_bin_unicode = 0x8c,
  bin_unicode8 = 0x8d,
  empty_list = ']',
  append = 'a',
  appends = 'e',
  empty_tuple = ')',
  tuple = 't',
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  empty_dict = '}',
  set_item = 's',
  set_items = 'u',
  global = 'c',
  stack_global = 0x93,
  reduce = 'R',
  build = 'b',
  bin_persistent_id = 'Q',
  bin_put = 'q',
  long_bin_put = 'r',
  memoize = 0x94,
  bin_get = 'h',
  long_bin_get = 'j',
  protocol = 0x80,
  frame = 0x95,
};

/// A member of the archive that tensors lie in.
struct StoredBuffer {
  std::string_view key;
  const ElementFormat* format = nullptr;  ///< null while only its size is known
  std::uint64_t bytes = 0;
};

/// A tensor in a buffer: offset and strides in elements, inside it.
struct StoredTensor {
  std::size_t buffer = 0;
  const ElementFormat* format = nullptr;
  Shape shape;
  Strides strides{};
  std::int64_t offset = 0;
  bool requires_grad = false;
};

/// A pickle that was found to be plain data. It refers to its bytes.
class Pickle {
 public:
  /// IoError, which begins with `what` and tells the byte, for anything else, and for what takes more than `most` bytes
  /// of memory.
  Pickle(std::string_view bytes, std::string what, std::uint64_t most);
  ~Pickle();
  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

  const std::vector<StoredBuffer>& buffers() const;
  /// The value; `load` makes its tensors.
  PythonValue value(const std::function<Tensor(const StoredTensor&)>& load) const;

 private:
  struct Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace tapegrad::io
