#include <tapegrad/interchange/internal/pickle.hpp>

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/interchange/internal/pickle_objects.hpp>
#include <unordered_set>

namespace tapegrad::io {
namespace {

constexpr int kMostNested = 64;
constexpr std::uint64_t kTensorBytes = 512;  // of a Tensor without its numbers

}  // namespace

struct Pickle::Reader {
  Reader(std::string_view bytes, std::string what, std::uint64_t most)
      : bytes_(bytes), objects_(std::move(what), most) {
    while (step()) {
    }
    if (stack_.size() != 1) objects_.refuse("it ends with other than one value");
    if (!bytes_.substr(at_).empty()) objects_.refuse("something follows its end");
    measure(stack_[0], 0);
  }

  const std::vector<StoredBuffer>& buffers() const { return objects_.buffers(); }
  const Item& value() const { return stack_[0]; }

 private:
  /// One opcode; false after the last.
  bool step() {
    objects_.set_place(at_);
    const auto opcode = static_cast<Opcode>(number<std::uint8_t>());
    switch (opcode) {
      case Opcode::protocol:
        if (const auto version = number<std::uint8_t>(); version > 5)
          objects_.refuse(fmt::format("its protocol is {}; up to 5 are read", version));
        return true;
      case Opcode::frame:
        number<std::uint64_t>();
        return true;
      case Opcode::stop:
        return false;
      case Opcode::mark:
        push(Mark{});
        return true;
      case Opcode::pop:
        pop();
        return true;
      case Opcode::none:
        push(std::monostate{});
        return true;
      case Opcode::new_true:
      case Opcode::new_false:
        push(opcode == Opcode::new_true);
        return true;
      case Opcode::bin_int:
        push(std::int64_t{number<std::int32_t>()});
        return true;
      case Opcode::bin_int1:
        push(std::int64_t{number<std::uint8_t>()});
        return true;
      case Opcode::bin_int2:
        push(std::int64_t{number<std::uint16_t>()});
        return true;
      case Opcode::long1:
        push(long_integer());
        return true;
      case Opcode::bin_float:
        push(std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>())));
        return true;
      case Opcode::bin_unicode:
        push(text(number<std::uint32_t>()));
        return true;
      case Opcode::short_bin_unicode:
        push(text(number<std::uint8_t>()));
        return true;
      case Opcode::bin_unicode8:
        push(text(number<std::uint64_t>()));
        return true;
      case Opcode::empty_list:
        push(objects_.make(Container::Kind::list));
        return true;
      case Opcode::empty_dict:
        push(objects_.make(Container::Kind::dict));
        return true;
      case Opcode::empty_tuple:
        push(objects_.make(Container::Kind::tuple));
        return true;
      case Opcode::tuple:
        push(objects_.make(Container::Kind::tuple, pop_to_mark()));
        return true;
      case Opcode::tuple1:
      case Opcode::tuple2:
      case Opcode::tuple3:
        push(objects_.make(Container::Kind::tuple,
                           pop_last(1 + static_cast<std::size_t>(opcode) - static_cast<std::size_t>(Opcode::tuple1))));
        return true;
      case Opcode::append:
        extend(Container::Kind::list, pop_last(1));
        return true;
      case Opcode::appends:
        extend(Container::Kind::list, pop_to_mark());
        return true;
      case Opcode::set_item:
        extend(Container::Kind::dict, pop_last(2));
        return true;
      case Opcode::set_items:
        extend(Container::Kind::dict, pop_to_mark());
        return true;
      case Opcode::global: {
        const std::string_view module = line();
        push(objects_.name(module, line()));
        return true;
      }
      case Opcode::stack_global: {
        const std::vector<Item> names = pop_last(2);
        const auto* module = std::get_if<std::string_view>(&names[0]);
        const auto* name = std::get_if<std::string_view>(&names[1]);
        if (!module || !name) objects_.refuse("a name is no text");
        push(objects_.name(*module, *name));
        return true;
      }
      case Opcode::reduce: {
        const std::vector<Item> call = pop_last(2);
        push(objects_.call(call[0], call[1]));
        return true;
      }
      case Opcode::build: {
        pop();  // attributes of an OrderedDict: versions of layers
        top(Container::Kind::dict);
        return true;
      }
      case Opcode::bin_persistent_id:
        push(objects_.storage(pop()));
        return true;
      case Opcode::bin_put:
        put(number<std::uint8_t>());
        return true;
      case Opcode::long_bin_put:
        put(number<std::uint32_t>());
        return true;
      case Opcode::memoize:
        put(memo_.size());
        return true;
      case Opcode::bin_get:
        get(number<std::uint8_t>());
        return true;
      case Opcode::long_bin_get:
        get(number<std::uint32_t>());
        return true;
    }
    objects_.refuse(fmt::format("the opcode 0x{:02x} is not one that tensors and plain containers need",
                                static_cast<unsigned>(opcode)));
  }

  std::string_view text(std::uint64_t length) {
    if (length > bytes_.size() - at_) objects_.refuse("it is cut off");
    const std::string_view taken = bytes_.substr(at_, length);
    at_ += length;
    return taken;
  }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, text(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string_view line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) objects_.refuse("it is cut off");
    const std::string_view taken = text(end - at_);
    ++at_;
    return taken;
  }

  /// Two's complement of any length.
  std::int64_t long_integer() {
    const std::string_view digits = text(number<std::uint8_t>());
    if (digits.size() > sizeof(std::int64_t)) objects_.refuse("an integer has more than 64 bits");
    std::uint64_t value = !digits.empty() && digits.back() < 0 ? ~std::uint64_t{0} : 0;
    std::memcpy(&value, digits.data(), digits.size());
    return static_cast<std::int64_t>(value);
  }

  void push(Item item) {
    objects_.charge(2 * sizeof(Item));
    stack_.push_back(item);
  }

  Item pop() { return pop_last(1)[0]; }

  std::vector<Item> pop_last(std::size_t count) {
    if (stack_.size() < count) objects_.refuse("it takes more values than it has");
    std::vector<Item> taken(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    for (const Item& item : taken)
      if (std::holds_alternative<Mark>(item)) objects_.refuse("it takes more values than it has");
    stack_.resize(stack_.size() - count);
    return taken;
  }

  std::vector<Item> pop_to_mark() {
    std::size_t count = 0;
    while (count < stack_.size() && !std::holds_alternative<Mark>(stack_[stack_.size() - 1 - count])) ++count;
    if (count == stack_.size()) objects_.refuse("it takes more values than it has");
    std::vector<Item> taken = pop_last(count);
    stack_.pop_back();
    return taken;
  }

  Container& top(Container::Kind kind) {
    auto* const* container = stack_.empty() ? nullptr : std::get_if<Container*>(&stack_.back());
    if (!container || (*container)->kind != kind)
      objects_.refuse(kind == Container::Kind::dict ? "it sets items or attributes of what is no dict"
                                                    : "it appends to what is no list");
    return **container;
  }

  void extend(Container::Kind kind, const std::vector<Item>& items) {
    Container& to = top(kind);
    if (kind == Container::Kind::dict && items.size() % 2 != 0) objects_.refuse("a key of a dict has no value");
    objects_.charge(2 * items.size() * sizeof(Item));
    to.items.insert(to.items.end(), items.begin(), items.end());
  }

  void put(std::uint64_t at) {
    if (stack_.empty()) objects_.refuse("it takes more values than it has");
    objects_.charge(sizeof(Item) + 48);
    memo_[at] = stack_.back();
  }

  void get(std::uint64_t at) {
    const auto found = memo_.find(at);
    if (found == memo_.end()) objects_.refuse(fmt::format("it asks for the value {}, which it has not stored", at));
    push(found->second);
  }

  /// Refuses what is no data, what holds itself, and what a few shared parts blow up to.
  void measure(const Item& item, int depth) {
    objects_.charge(sizeof(PythonValue));
    if (const auto* text = std::get_if<std::string_view>(&item)) objects_.charge(text->size());
    if (std::holds_alternative<const StoredTensor*>(item)) objects_.charge(kTensorBytes);
    if (std::holds_alternative<Buffer>(item)) objects_.refuse("it holds a storage; tensors are read");
    if (const auto* name = std::get_if<KnownName>(&item); name && name->role != Role::dtype)
      objects_.refuse("it holds a function or a class");
    auto* const* container = std::get_if<Container*>(&item);
    if (!container) return;
    if (depth == kMostNested)
      objects_.refuse(fmt::format("containers lie within {} others, or within themselves", kMostNested));
    for (const Item& inner : (*container)->items) measure(inner, depth + 1);
    if ((*container)->kind == Container::Kind::dict) require_distinct_keys(**container);
  }

  void require_distinct_keys(const Container& dict) {
    std::unordered_set<std::string_view> texts;
    std::unordered_set<std::int64_t> integers;
    for (std::size_t i = 0; i < dict.items.size(); i += 2) {
      const auto* text = std::get_if<std::string_view>(&dict.items[i]);
      const auto* integer = std::get_if<std::int64_t>(&dict.items[i]);
      if (!text && !integer) objects_.refuse("a key of a dict is neither text nor integer");
      objects_.charge(64);
      if (text ? !texts.insert(*text).second : !integers.insert(*integer).second)
        objects_.refuse(
            fmt::format("a dict has the key {} twice", text ? printable(*text, 60) : std::to_string(*integer)));
    }
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  PickleObjects objects_;
  std::vector<Item> stack_;
  std::unordered_map<std::uint64_t, Item> memo_;
};

namespace {

PythonValue value_of(const Item& item, const std::function<Tensor(const StoredTensor&)>& load) {
  if (const auto* value = std::get_if<bool>(&item)) return {*value};
  if (const auto* value = std::get_if<std::int64_t>(&item)) return {*value};
  if (const auto* value = std::get_if<double>(&item)) return {*value};
  if (const auto* value = std::get_if<std::string_view>(&item)) return {std::string(*value)};
  if (const auto* value = std::get_if<KnownName>(&item)) return {"torch." + std::string(value->format->torch)};
  if (const auto* value = std::get_if<const StoredTensor*>(&item)) return {load(**value)};
  auto* const* container = std::get_if<Container*>(&item);
  if (!container) return {};
  const std::vector<Item>& items = (*container)->items;
  if ((*container)->kind == Container::Kind::dict) {
    PythonValue::Dict dict;
    dict.reserve(items.size() / 2);
    for (std::size_t i = 0; i < items.size(); i += 2)
      dict.emplace_back(value_of(items[i], load), value_of(items[i + 1], load));
    return {std::move(dict)};
  }
  PythonValue::List list;
  list.reserve(items.size());
  for (const Item& inner : items) list.push_back(value_of(inner, load));
  if ((*container)->kind == Container::Kind::tuple) return {PythonValue::Tuple{std::move(list)}};
  return {std::move(list)};
}

}  // namespace

Pickle::Pickle(std::string_view bytes, std::string what, std::uint64_t most)
    : reader_(std::make_unique<Reader>(bytes, std::move(what), most)) {}
Pickle::~Pickle() = default;

const std::vector<StoredBuffer>& Pickle::buffers() const { return reader_->buffers(); }

PythonValue Pickle::value(const std::function<Tensor(const StoredTensor&)>& load) const {
  return value_of(reader_->value(), load);
}

}  // namespace tapegrad::io
