#include <tapegrad/interchange/internal/pickle_writer.hpp>

#include <bit>
#include <limits>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/interchange/internal/pickle.hpp>
#include <unordered_map>

namespace tapegrad::io {
namespace {

/// The storage's numbers as a tensor, if it consists of elements of that dtype.
Tensor whole_storage(const Tensor& tensor) {
  const Storage& storage = *engine::node_of(tensor).storage;
  const auto size = static_cast<std::int64_t>(size_of(tensor.dtype()));
  const std::byte* first = engine::node_of(tensor).data;
  return make_view(tensor, {static_cast<std::int64_t>(storage.bytes()) / size}, nullptr,
                   (storage.data() - first) / size);
}

class Writer {
 public:
  explicit Writer(const PythonValue& value) {
    count_uses(value);
    put(Opcode::protocol);
    out_.bytes += '\2';
    write(value);
    put(Opcode::stop);
  }
  WrittenPickle take() { return std::move(out_); }

 private:
  void put(Opcode opcode) { out_.bytes += static_cast<char>(opcode); }

  template <class T>
  void little(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) out_.bytes += static_cast<char>((value >> (8 * i)) & 0xff);
  }

  void text(std::string_view value) {
    if (value.size() > std::numeric_limits<std::uint32_t>::max())
      throw ValueError("save_pytorch: a text is longer than 4 GiB");
    put(Opcode::bin_unicode);
    little(static_cast<std::uint32_t>(value.size()));
    out_.bytes += value;
  }

  void integer(std::int64_t value) {
    if (value == static_cast<std::int32_t>(value)) {
      put(Opcode::bin_int);
      little(static_cast<std::uint32_t>(value));
    } else {
      put(Opcode::long1);
      out_.bytes += '\10';
      little(static_cast<std::uint64_t>(value));
    }
  }

  void integers(std::span<const std::int64_t> values) {
    put(Opcode::mark);
    for (const std::int64_t value : values) integer(value);
    put(Opcode::tuple);
  }

  void name(std::string_view module, std::string_view name) {
    put(Opcode::global);
    out_.bytes.append(module).append("\n").append(name).append("\n");
  }

  void write(const PythonValue& value) {
    std::visit([this](const auto& v) { write(v); }, value.data);
  }
  void write(std::monostate) { put(Opcode::none); }
  void write(bool value) { put(value ? Opcode::new_true : Opcode::new_false); }
  void write(std::int64_t value) { integer(value); }
  void write(double value) {
    put(Opcode::bin_float);
    little(__builtin_bswap64(std::bit_cast<std::uint64_t>(value)));
  }
  void write(const std::string& value) { text(value); }
  void write(const PythonValue::List& list) {
    put(Opcode::empty_list);
    put(Opcode::mark);
    for (const PythonValue& item : list) write(item);
    put(Opcode::appends);
  }
  void write(const PythonValue::Tuple& tuple) {
    put(Opcode::mark);
    for (const PythonValue& item : tuple.items) write(item);
    put(Opcode::tuple);
  }
  void write(const PythonValue::Dict& dict) {
    put(Opcode::empty_dict);
    put(Opcode::mark);
    for (const auto& [key, item] : dict) {
      if (!std::holds_alternative<std::string>(key.data) && !std::holds_alternative<std::int64_t>(key.data))
        throw ValueError("save_pytorch: a key of a dict is neither text nor integer");
      write(key);
      write(item);
    }
    put(Opcode::set_items);
  }

  /// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, OrderedDict())
  void write(const Tensor& given) {
    const Tensor tensor = given.to_dense();
    const bool shares = uses_[engine::node_of(tensor).storage] > 1;
    const Tensor placed = shares ? tensor : tensor.contiguous();
    const Tensor buffer = shares ? whole_storage(tensor) : placed;
    name("torch._utils", "_rebuild_tensor_v2");
    put(Opcode::mark);
    storage(buffer, shares);
    integer((engine::node_of(placed).data - engine::node_of(buffer).data) /
            static_cast<std::ptrdiff_t>(size_of(placed.dtype())));
    integers(placed.shape().dims());
    const Strides strides = placed.strides();
    integers(std::span(strides).first(static_cast<std::size_t>(placed.rank())));
    write(given.requires_grad() && given.is_leaf());
    name("collections", "OrderedDict");
    put(Opcode::empty_tuple);
    put(Opcode::reduce);
    put(Opcode::tuple);
    put(Opcode::reduce);
  }

  void storage(const Tensor& buffer, bool shares) {
    std::size_t index = out_.buffers.size();
    if (shares) index = numbers_.emplace(engine::node_of(buffer).storage, index).first->second;
    if (index == out_.buffers.size()) out_.buffers.push_back(buffer);
    put(Opcode::mark);
    text("storage");
    name("torch", element_format(buffer.dtype()).storage);
    text(std::to_string(index));
    text("cpu");
    integer(buffer.numel());
    put(Opcode::tuple);
    put(Opcode::bin_persistent_id);
  }

  /// How many tensors lie in each storage.
  void count_uses(const PythonValue& value) {
    if (const auto* tensor = std::get_if<Tensor>(&value.data)) {
      if (!tensor->defined()) throw ValueError("save_pytorch: a tensor is undefined");
      if (const Storage* storage = engine::node_of(*tensor).storage) ++uses_[storage];
    }
    if (const auto* list = std::get_if<PythonValue::List>(&value.data)) count_uses(*list);
    if (const auto* tuple = std::get_if<PythonValue::Tuple>(&value.data)) count_uses(tuple->items);
    if (const auto* dict = std::get_if<PythonValue::Dict>(&value.data))
      for (const auto& [key, item] : *dict) count_uses(item);
  }
  void count_uses(const PythonValue::List& list) {
    for (const PythonValue& item : list) count_uses(item);
  }

  WrittenPickle out_;
  std::unordered_map<const Storage*, std::size_t> uses_, numbers_;
};

}  // namespace

WrittenPickle write_pickle(const PythonValue& value) { return Writer(value).take(); }

}  // namespace tapegrad::io
