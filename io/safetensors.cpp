#include <tapegrad/core/record.hpp>
#include <tapegrad/io/safetensors.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <nlohmann/json.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/internal/input_file.hpp>
#include <tapegrad/io/internal/safetensors_header.hpp>
#include <unordered_set>

namespace tapegrad::io {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr std::uint64_t kLengthBytes = 8, kLargestHeader = 100'000'000;  // the format's own limit

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

/// {"a": 1, "b": 2}, of values that are JSON already. Not by an object of nlohmann's, which needs memory to be freed,
/// and ends the program where there is none.
std::string object_of(const std::map<std::string, std::string>& members) {
  std::string text = "{";
  for (const auto& [name, value] : members) text += (text.size() > 1 ? "," : "") + quoted(name) + ":" + value;
  return text + "}";
}

std::string header_text(const NamedTensors& tensors, const Metadata& metadata) {
  std::map<std::string, std::string> header, texts;
  for (const auto& [name, text] : metadata) texts.emplace(name, quoted(text));
  if (!texts.empty()) header.emplace("__metadata__", object_of(texts));
  std::uint64_t begin = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::uint64_t end = begin + static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype());
    header.emplace(name, object_of({{"dtype", quoted(std::string(element_format(tensor.dtype()).safetensors))},
                                    {"shape", fmt::format("[{}]", fmt::join(tensor.shape(), ","))},
                                    {"data_offsets", fmt::format("[{},{}]", begin, end)}}));
    begin = end;
  }
  std::string text = object_of(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors, const Metadata& metadata) {
  std::unordered_set<std::string_view> names{"__metadata__"};
  for (const auto& [name, tensor] : tensors)
    if (!names.insert(name).second)
      throw ValueError(fmt::format("save_safetensors: {} the name '{}'",
                                   name == "__metadata__" ? "the format keeps for itself" : "two tensors have", name));
  // Larger elements first: then each tensor begins at a multiple of its element's size.
  NamedTensors sorted = tensors;
  std::ranges::stable_sort(sorted, std::greater(), [](const NamedTensor& t) { return size_of(t.tensor.dtype()); });
  std::string header;
  try {
    header = header_text(sorted, metadata);
  } catch (const nlohmann::json::exception& error) {
    throw ValueError(fmt::format("save_safetensors: a name or a text of the metadata is not UTF-8: {}", error.what()));
  }
  AtomicFile file(path);
  const std::uint64_t length = header.size();
  file.write(&length, sizeof length);
  file.write(header);
  for (const auto& [name, tensor] : sorted) {
    const Tensor dense = tensor.to_dense().contiguous();
    file.write(engine::node_of(dense).data, static_cast<std::size_t>(dense.numel()) * size_of(dense.dtype()));
  }
  file.commit();
}

NamedTensors load_safetensors(const std::filesystem::path& path, Metadata* metadata) {
  const InputFile file(path);
  const auto refuse = [&](const std::string& what) {
    throw IoError(fmt::format("{}: not a safetensors file: {}", file.name(), what));
  };
  if (file.size() < kLengthBytes) refuse(fmt::format("it has only {} bytes", file.size()));
  std::uint64_t length = 0;
  file.read(&length, kLengthBytes, 0);
  const std::uint64_t rest = file.size() - kLengthBytes;
  if (length > rest) refuse(fmt::format("its header has {} bytes, {} are there", length, rest));
  if (length > kLargestHeader) refuse(fmt::format("its header has {} bytes; {} are allowed", length, kLargestHeader));
  const std::string text = file.read(length, kLengthBytes);
  SafetensorsHeader header = parse_safetensors_header(text, rest - length, file.name());

  NamedTensors tensors;
  tensors.reserve(header.tensors.size());
  for (TensorEntry& entry : header.tensors) {
    Tensor tensor = read_elements(file, kLengthBytes + length + entry.begin, entry.shape, *entry.format,
                                  file.name() + ": not a safetensors file: ");
    tensors.push_back({std::move(entry.name), std::move(tensor)});
  }
  if (metadata) *metadata = std::move(header.metadata);
  return tensors;
}

}  // namespace tapegrad::io
