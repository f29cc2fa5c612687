#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/interchange/internal/pickle_writer.hpp>
#include <tapegrad/interchange/pytorch.hpp>
#include <tapegrad/io/internal/zip.hpp>
#include <unordered_set>

namespace tapegrad::io {
namespace {

constexpr const char* kFolder = "archive/";

std::string_view numbers_of(const Tensor& buffer) {
  return {reinterpret_cast<const char*>(engine::node_of(buffer).data),
          static_cast<std::size_t>(buffer.numel()) * size_of(buffer.dtype())};
}

void add(AtomicFile& file, ZipWriter& archive, const std::string& name, std::string_view content) {
  archive.begin_member(kFolder + name, zip_checksum({content}), content.size());
  file.write(content);
}

}  // namespace

void save_pytorch(const std::filesystem::path& path, const PythonValue& value) {
  const WrittenPickle pickle = write_pickle(value);
  constexpr std::uint64_t kMemberBytes = 256;  // of a member's headers
  std::uint64_t total = pickle.bytes.size();
  for (const Tensor& buffer : pickle.buffers) total += numbers_of(buffer).size() + kMemberBytes;
  if (total + 4 * kMemberBytes > ZipWriter::kMaxBytes || pickle.buffers.size() + 3 > ZipWriter::kMaxMembers)
    throw ValueError(
        fmt::format("save_pytorch: {} tensors of {} bytes; an archive holds 65531 and 4 GiB "
                    "(save_safetensors has no such limit)",
                    pickle.buffers.size(), total));
  AtomicFile file(path);
  ZipWriter archive(file);
  add(file, archive, "data.pkl", pickle.bytes);
  add(file, archive, "byteorder", "little");
  for (std::size_t i = 0; i < pickle.buffers.size(); ++i)
    add(file, archive, "data/" + std::to_string(i), numbers_of(pickle.buffers[i]));
  add(file, archive, "version", "3\n");
  archive.finish();
  file.commit();
}

void save_pytorch(const std::filesystem::path& path, const NamedTensors& tensors) {
  std::unordered_set<std::string_view> names;
  PythonValue::Dict dict;
  for (const auto& [name, tensor] : tensors) {
    if (!names.insert(name).second) throw ValueError("save_pytorch: two tensors have the name '" + name + "'");
    dict.emplace_back(PythonValue{name}, PythonValue{tensor});
  }
  save_pytorch(path, PythonValue{std::move(dict)});
}

}  // namespace tapegrad::io
