#include <tapegrad/interchange/internal/pickle_objects.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>

namespace tapegrad::io {
namespace {

struct Function {
  std::string_view name;
  Role role;
};
constexpr Function kFunctions[] = {{"collections.OrderedDict", Role::ordered_dict},
                                   {"torch._utils._rebuild_tensor", Role::tensor},
                                   {"torch._utils._rebuild_tensor_v2", Role::tensor_v2},
                                   {"torch._utils._rebuild_tensor_v3", Role::tensor_v3},
                                   {"torch._utils._rebuild_parameter", Role::parameter},
                                   {"torch.Size", Role::size},
                                   {"torch.device", Role::device},
                                   {"torch.storage.UntypedStorage", Role::storage}};

constexpr std::size_t kShown = 80;  // bytes of a name in a message
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 59;

bool is_empty_dict(const Item& item) {
  const auto* dict = std::get_if<Container*>(&item);
  return dict && (*dict)->kind == Container::Kind::dict && (*dict)->items.empty();
}

}  // namespace

void PickleObjects::refuse(std::string_view why) const {
  throw IoError(fmt::format("{}byte {} of its pickle: {}", what_, place_, why));
}

void PickleObjects::charge(std::uint64_t bytes) {
  if (bytes > left_) refuse("it builds more than a file of its size may");
  left_ -= bytes;
}

Container* PickleObjects::make(Container::Kind kind, std::vector<Item> items) {
  charge(sizeof(Container) + 32 + items.size() * sizeof(Item));
  return &containers_.emplace_back(Container{kind, std::move(items)});
}

const std::vector<Item>& PickleObjects::tuple(const Item& item, std::string_view what) const {
  const auto* container = std::get_if<Container*>(&item);
  if (!container || (*container)->kind != Container::Kind::tuple) refuse(fmt::format("{} is no tuple", what));
  return (*container)->items;
}

Item PickleObjects::storage(const Item& id) {
  const std::vector<Item>& parts = tuple(id, "what stands for a storage");
  if (parts.size() != 5) refuse("what stands for a storage has not five parts");
  const auto* tag = std::get_if<std::string_view>(&parts[0]);
  const auto* kind = std::get_if<KnownName>(&parts[1]);
  const auto* key = std::get_if<std::string_view>(&parts[2]);
  const auto* count = std::get_if<std::int64_t>(&parts[4]);
  if (!tag || *tag != "storage" || !kind || kind->role != Role::storage || !key || !count || *count < 0)
    refuse("what stands for a storage is not (\"storage\", class, key, device, count)");
  const std::uint64_t size = kind->format ? kind->format->bytes : 1;
  if (static_cast<std::uint64_t>(*count) > kMostElements) refuse(fmt::format("a storage has {} elements", *count));
  const StoredBuffer buffer{*key, kind->format, static_cast<std::uint64_t>(*count) * size};
  const auto [known, is_new] = by_key_.emplace(*key, buffers_.size());
  if (is_new) {
    charge(sizeof(StoredBuffer) + 64);
    buffers_.push_back(buffer);
  }
  const StoredBuffer& first = buffers_[known->second];
  if (first.bytes != buffer.bytes || (kind->format && first.format != kind->format))
    refuse(fmt::format("the storage '{}' has two dtypes or sizes", printable(*key, kShown)));
  return Buffer{known->second};
}

KnownName PickleObjects::name(std::string_view module, std::string_view name) const {
  const std::string text = fmt::format("{}.{}", module.substr(0, 200), name.substr(0, 200));
  if (const auto* f = std::ranges::find(kFunctions, text, &Function::name); f != std::end(kFunctions)) return {f->role};
  if (module == "torch") {
    if (const auto* format = find_format(&ElementFormat::storage, name)) return {Role::storage, format};
    if (const auto* format = find_format(&ElementFormat::torch, name)) return {Role::dtype, format};
  }
  refuse(
      fmt::format("it asks for {}, which is not run or built here: tensors, dicts, lists, tuples, numbers and texts "
                  "are read; save model.state_dict(), say",
                  printable(text, kShown)));
}

Item PickleObjects::call(const Item& function, const Item& arguments) {
  const auto* known = std::get_if<KnownName>(&function);
  if (!known) refuse("it calls what is no function");
  const std::vector<Item>& given = tuple(arguments, "what a function is called with");
  switch (known->role) {
    case Role::ordered_dict:
      if (!given.empty()) refuse("OrderedDict is called with arguments; those without are read");
      return make(Container::Kind::dict);
    case Role::size:
      if (given.size() != 1) break;
      return make(Container::Kind::tuple, tuple(given[0], "what torch.Size is called with"));
    case Role::device: {
      if (given.empty() || given.size() > 2) break;
      // The index of a device says nothing here.
      if (const auto* type = std::get_if<std::string_view>(&given[0])) return *type;
      break;
    }
    case Role::tensor:
    case Role::tensor_v2:
    case Role::tensor_v3:
      return tensor(given, known->role);
    case Role::parameter: {
      const auto* data = given.size() == 3 ? std::get_if<const StoredTensor*>(&given[0]) : nullptr;
      const auto* requires_grad = data ? std::get_if<bool>(&given[1]) : nullptr;
      if (!requires_grad || !is_empty_dict(given[2])) break;
      charge(sizeof(StoredTensor));
      StoredTensor copy = **data;
      copy.requires_grad = *requires_grad;
      return &tensors_.emplace_back(copy);
    }
    case Role::storage:
    case Role::dtype:
      refuse("it calls what is no function");
  }
  refuse("it calls a function with arguments other than torch.save writes");
}

Item PickleObjects::tensor(const std::vector<Item>& given, Role role) {
  const std::size_t least = role == Role::tensor ? 4 : role == Role::tensor_v2 ? 6 : 7;
  const std::size_t most = role == Role::tensor ? 4 : least + 1;
  if (given.size() < least || given.size() > most)
    refuse(fmt::format("a tensor is made of {} things, not of {}", given.size(), least));
  const auto* buffer = std::get_if<Buffer>(&given[0]);
  const auto* offset = std::get_if<std::int64_t>(&given[1]);
  if (!buffer || !offset) refuse("a tensor has no storage or no offset");
  const std::vector<Item>& sizes = tuple(given[2], "a tensor's size");
  const std::vector<Item>& strides = tuple(given[3], "a tensor's stride");
  if (sizes.size() != strides.size()) refuse("a tensor has other numbers of sizes and of strides");
  if (sizes.size() > static_cast<std::size_t>(kMaxRank))
    refuse(fmt::format("a tensor has {} axes; {} are read", sizes.size(), kMaxRank));

  StoredTensor tensor{.buffer = buffer->index, .format = buffers_[buffer->index].format, .offset = *offset};
  std::vector<std::int64_t> dims;
  std::uint64_t product = 1;
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    const auto* size = std::get_if<std::int64_t>(&sizes[axis]);
    const auto* stride = std::get_if<std::int64_t>(&strides[axis]);
    if (!size || !stride || *size < 0 || *stride < 0) refuse("a size or a stride is no number from 0 on");
    if (__builtin_mul_overflow(product, std::max<std::uint64_t>(static_cast<std::uint64_t>(*size), 1), &product) ||
        product > kMostElements)
      refuse("a tensor has more elements than a memory holds");
    dims.push_back(*size);
    tensor.strides[axis] = *stride;
  }
  tensor.shape = Shape(std::span<const std::int64_t>(dims));
  if (role != Role::tensor) {
    const auto* requires_grad = std::get_if<bool>(&given[4]);
    if (!requires_grad || !is_empty_dict(given[5])) refuse("a tensor has hooks, or no mark whether it has a gradient");
    tensor.requires_grad = *requires_grad;
  }
  if (role == Role::tensor_v3) {
    const auto* dtype = std::get_if<KnownName>(&given[6]);
    if (!dtype || dtype->role != Role::dtype) refuse("a tensor has no dtype");
    StoredBuffer& of = buffers_[tensor.buffer];
    if (of.format && of.format != dtype->format) refuse("a tensor has another dtype than its storage");
    of.format = tensor.format = dtype->format;
  }
  const bool has_metadata = given.size() == most && role != Role::tensor;
  if (has_metadata && !is_empty_dict(given.back()) && !std::holds_alternative<std::monostate>(given.back()))
    refuse("a tensor is marked as conjugate or negative; resolve_conj() and resolve_neg() make it plain");
  if (!tensor.format) refuse("a tensor lies in a storage without a dtype");
  check_inside(tensor);
  charge(sizeof(StoredTensor));
  return &tensors_.emplace_back(tensor);
}

void PickleObjects::check_inside(const StoredTensor& tensor) const {
  const std::uint64_t count = buffers_[tensor.buffer].bytes / tensor.format->bytes;
  bool inside = tensor.offset >= 0 && static_cast<std::uint64_t>(tensor.offset) <= count;
  if (inside && tensor.shape.numel() > 0) {
    std::uint64_t last = static_cast<std::uint64_t>(tensor.offset);
    for (int axis = 0; axis < tensor.shape.rank(); ++axis) {
      std::uint64_t step = 0;
      inside =
          inside &&
          !__builtin_mul_overflow(static_cast<std::uint64_t>(tensor.shape[axis] - 1),
                                  static_cast<std::uint64_t>(tensor.strides[static_cast<std::size_t>(axis)]), &step) &&
          !__builtin_add_overflow(last, step, &last);
    }
    inside = inside && last < count;
  }
  if (!inside)
    refuse(
        fmt::format("a tensor of shape {} reaches beyond its storage of {} elements", to_string(tensor.shape), count));
}

}  // namespace tapegrad::io
