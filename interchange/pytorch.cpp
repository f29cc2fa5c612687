#include <tapegrad/interchange/pytorch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/interchange/internal/pickle.hpp>
#include <tapegrad/io/internal/zip.hpp>
#include <unordered_map>
#include <unordered_set>

namespace tapegrad::io {
namespace {

constexpr std::size_t kShown = 80;  // bytes of a name in a message
constexpr std::uint64_t kMostPickle = std::uint64_t{1} << 30;

/// The members of a torch.save archive, by their names in its one folder.
class Archive {
 public:
  explicit Archive(const std::filesystem::path& path)
      : file_(path), what_(file_.name() + ": not a file of torch.save: ") {
    require_zip();
    for (ZipMember& member : read_zip(file_, what_)) {
      const std::size_t slash = member.name.find('/');
      if (slash == std::string::npos) refuse("its member '" + printable(member.name, kShown) + "' is in no folder");
      std::string name = member.name.substr(slash + 1);
      if (!members_.emplace(std::move(name), std::move(member)).second) refuse("its members are in several folders");
    }
    if (find("constants.pkl"))
      refuse("it is a program of TorchScript; torch.save(module.state_dict(), …) writes its tensors");
    if (const ZipMember* order = find("byteorder"); order && content(*order) != "little")
      refuse("its numbers are not little-endian");
  }

  const InputFile& file() const { return file_; }
  const std::string& what() const { return what_; }
  [[noreturn]] void refuse(const std::string& why) const { throw IoError(what_ + why); }

  const ZipMember* find(const std::string& name) const {
    const auto found = members_.find(name);
    return found == members_.end() ? nullptr : &found->second;
  }
  /// One that is there, and stored as it is.
  const ZipMember& member(const std::string& name) const {
    const ZipMember* found = find(name);
    if (!found) refuse("it has no member '" + printable(name, kShown) + "'");
    if (found->deflated) refuse("its member '" + printable(name, kShown) + "' is compressed");
    return *found;
  }
  std::string content(const ZipMember& member) const {
    if (member.deflated || member.size > kMostPickle)
      refuse("its member '" + printable(member.name, kShown) + "' is compressed or too large");
    return file_.read(member.size, member.begin);
  }

 private:
  void require_zip() const {
    const std::string start = file_.read(std::min<std::uint64_t>(file_.size(), 2), 0);
    if (start.starts_with('\x80'))
      refuse("it has the form before PyTorch 1.6; torch.save(torch.load(file), …) writes the present one");
    if (start != "PK") refuse("it does not begin as a ZIP archive");
  }

  InputFile file_;
  std::string what_;
  std::unordered_map<std::string, ZipMember> members_;
};

bool is_row_major(const StoredTensor& tensor) {
  const Strides dense = row_major_strides(tensor.shape);
  for (int axis = 0; axis < tensor.shape.rank(); ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    if (tensor.shape[axis] > 1 && tensor.strides[i] != dense[i]) return false;
  }
  return true;
}

void collect(const PythonValue& value, const std::string& name, NamedTensors& to) {
  const auto below = [&](const std::string& key) { return name.empty() ? key : name + "." + key; };
  const auto collect_list = [&](const PythonValue::List& list) {
    for (std::size_t i = 0; i < list.size(); ++i) collect(list[i], below(std::to_string(i)), to);
  };
  if (const auto* tensor = std::get_if<Tensor>(&value.data)) to.push_back({name, *tensor});
  if (const auto* list = std::get_if<PythonValue::List>(&value.data)) collect_list(*list);
  if (const auto* tuple = std::get_if<PythonValue::Tuple>(&value.data)) collect_list(tuple->items);
  if (const auto* dict = std::get_if<PythonValue::Dict>(&value.data)) {
    for (const auto& [key, inner] : *dict) {
      const auto* text = std::get_if<std::string>(&key.data);
      const auto* integer = std::get_if<std::int64_t>(&key.data);
      if (!text && !integer) throw ValueError("named_tensors: a key of a dict is neither text nor integer");
      collect(inner, below(text ? *text : std::to_string(*integer)), to);
    }
  }
}

}  // namespace

const PythonValue& PythonValue::operator[](std::string_view key) const {
  const auto* dict = std::get_if<Dict>(&data);
  if (!dict) throw ValueError(fmt::format("PythonValue['{}']: it is no dict", printable(key, kShown)));
  std::vector<std::string> keys;
  for (const auto& [name, value] : *dict) {
    const auto* text = std::get_if<std::string>(&name.data);
    if (text && *text == key) return value;
    if (text) keys.push_back(printable(*text, kShown));
  }
  throw ValueError(fmt::format("PythonValue['{}']: it has {}", printable(key, kShown), abridged(keys)));
}

PythonValue load_pytorch(const std::filesystem::path& path) {
  const Archive archive(path);
  const std::string bytes = archive.content(archive.member("data.pkl"));
  constexpr std::uint64_t kSmall = std::uint64_t{32} << 20;
  const Pickle pickle(bytes, archive.what(), kSmall + 2 * archive.file().size());

  const auto name_of = [](const StoredBuffer& buffer) { return "data/" + std::string(buffer.key); };
  for (const StoredBuffer& buffer : pickle.buffers())
    if (const ZipMember& member = archive.member(name_of(buffer)); member.size != buffer.bytes)
      archive.refuse(fmt::format("its member '{}' has {} bytes, where its pickle tells of {}",
                                 printable(member.name, kShown), member.size, buffer.bytes));
  // All is known to be right, so memory for numbers is taken.
  std::vector<Tensor> loaded(pickle.buffers().size());
  return pickle.value([&](const StoredTensor& tensor) {
    Tensor& base = loaded[tensor.buffer];
    if (!base.defined()) {
      const StoredBuffer& buffer = pickle.buffers()[tensor.buffer];
      const auto count = static_cast<std::int64_t>(buffer.bytes / tensor.format->bytes);
      base =
          read_elements(archive.file(), archive.member(name_of(buffer)).begin, {count}, *tensor.format, archive.what());
    }
    Tensor view = make_view(base, tensor.shape, is_row_major(tensor) ? nullptr : &tensor.strides, tensor.offset);
    if (tensor.requires_grad && is_floating(view.dtype())) view.set_requires_grad();
    return view;
  });
}

NamedTensors named_tensors(const PythonValue& value) {
  NamedTensors all;
  collect(value, "", all);
  std::unordered_set<std::string_view> names;
  for (const NamedTensor& tensor : all)
    if (!names.insert(tensor.name).second)
      throw ValueError("named_tensors: two tensors have the name '" + printable(tensor.name, kShown) + "'");
  return all;
}

}  // namespace tapegrad::io
