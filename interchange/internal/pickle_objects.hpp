#pragma once
// What a pickle builds while it is read, and the few functions of Python that it may call.

#include <deque>
#include <string>
#include <string_view>
#include <tapegrad/interchange/internal/pickle.hpp>
#include <unordered_map>
#include <variant>
#include <vector>

namespace tapegrad::io {

/// What a name that a pickle may use stands for.
enum class Role : std::uint8_t { ordered_dict, tensor, tensor_v2, tensor_v3, parameter, size, device, storage, dtype };

struct KnownName {
  Role role;
  const ElementFormat* format = nullptr;  ///< of a dtype, and of a storage that has one
};

struct Container;
struct Mark {};
struct Buffer {
  std::size_t index;
};
/// std::monostate is None; texts lie in the pickle.
using Item = std::variant<std::monostate, bool, std::int64_t, double, std::string_view, KnownName, Container*, Buffer,
                          const StoredTensor*, Mark>;

struct Container {
  enum class Kind : std::uint8_t { list, tuple, dict };
  Kind kind;
  std::vector<Item> items;  ///< of a dict keys and values in turn
};

/// Owner of all that a pickle builds; knows what it may take.
class PickleObjects {
 public:
  PickleObjects(std::string what, std::uint64_t most) : what_(std::move(what)), left_(most) {}

  /// Where the opcode that is read begins, for messages.
  void set_place(std::size_t place) { place_ = place; }
  [[noreturn]] void refuse(std::string_view why) const;
  /// Takes so many bytes of what is allowed.
  void charge(std::uint64_t bytes);

  Container* make(Container::Kind kind, std::vector<Item> items = {});
  /// The tuple that stands for a storage: ("storage", class, key, device, count).
  Item storage(const Item& id);
  KnownName name(std::string_view module, std::string_view name) const;
  Item call(const Item& function, const Item& arguments);

  const std::vector<StoredBuffer>& buffers() const { return buffers_; }

 private:
  const std::vector<Item>& tuple(const Item& item, std::string_view what) const;
  Item tensor(const std::vector<Item>& arguments, Role role);
  void check_inside(const StoredTensor& tensor) const;

  std::string what_;
  std::uint64_t left_;
  std::size_t place_ = 0;
  std::deque<Container> containers_;
  std::deque<StoredTensor> tensors_;
  std::vector<StoredBuffer> buffers_;
  std::unordered_map<std::string_view, std::size_t> by_key_;
};

}  // namespace tapegrad::io
