#include <fmt/format.h>

#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/core/internal/printable.hpp>
#include <tapegrad/core/record.hpp>
#include <tapegrad/io/internal/npy_header.hpp>
#include <tapegrad/io/internal/zip.hpp>
#include <tapegrad/io/npy.hpp>
#include <unordered_set>

namespace tapegrad::io {
namespace {

constexpr std::string_view kSuffix = ".npy";

}  // namespace

void save_npz(const std::filesystem::path& path, const NamedTensors& tensors) {
  std::unordered_set<std::string_view> names;
  std::uint64_t total = 0;
  for (const auto& [name, tensor] : tensors) {
    if (!names.insert(name).second) throw ValueError("save_npz: two tensors have the name '" + name + "'");
    if (name.empty() || name.find('\0') != std::string::npos || name.size() + kSuffix.size() > ZipWriter::kMaxName)
      throw ValueError("save_npz: a name is empty, has a NUL or is longer than the format allows");
    // Twice the name, and what surrounds it.
    total += static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype()) + 2 * name.size() + 1024;
  }
  if (total > ZipWriter::kMaxBytes || tensors.size() > ZipWriter::kMaxMembers)
    throw ValueError(
        fmt::format("save_npz: {} tensors of {} bytes; an archive holds 65534 and 4 GiB (save_safetensors "
                    "has no such limit)",
                    tensors.size(), total));
  AtomicFile file(path);
  ZipWriter archive(file);
  for (const auto& [name, tensor] : tensors) {
    const Tensor dense = tensor.to_dense().contiguous();
    const std::string header = npy_header(dense);
    const std::string_view data(reinterpret_cast<const char*>(engine::node_of(dense).data),
                                static_cast<std::size_t>(dense.numel()) * size_of(dense.dtype()));
    archive.begin_member(name + std::string(kSuffix), zip_checksum({header, data}), header.size() + data.size());
    file.write(header);
    file.write(data);
  }
  archive.finish();
  file.commit();
}

NamedTensors load_npz(const std::filesystem::path& path) {
  const InputFile file(path);
  const std::string what = file.name() + ": not an npz file: ";
  const std::vector<ZipMember> members = read_zip(file, what);
  const auto inside = [&](const ZipMember& member) {
    return file.name() + ": member '" + printable(member.name) + "': not an npy file: ";
  };
  // All are checked before memory is taken for any.
  for (const ZipMember& member : members) {
    if (!member.name.ends_with(kSuffix)) throw IoError(what + "its member '" + printable(member.name) + "' is no .npy");
    require_checksum(file, member, inside(member));
    ByteStream stream = open_member(file, member, inside(member));
    read_npy_header(stream, member.size);
  }
  NamedTensors tensors;
  for (const ZipMember& member : members) {
    ByteStream stream = open_member(file, member, inside(member));
    tensors.push_back({member.name.substr(0, member.name.size() - kSuffix.size()), read_npy(stream, member.size)});
  }
  return tensors;
}

}  // namespace tapegrad::io
