#include <tapegrad/core/record.hpp>
#include <tapegrad/io/checkpoint.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <system_error>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/atomic_file.hpp>
#include <tapegrad/io/safetensors.hpp>

namespace tapegrad::io {

namespace fs = std::filesystem;

namespace {

constexpr const char *kState = "tapegrad.checkpoint", *kChecksum = "crc32";
constexpr std::string_view kPrefix = "step-", kSuffix = ".safetensors";

// A file that is cut short does not load as it is; the sum finds what a disk has turned over.
std::string checksum(const NamedTensors& tensors, const std::string& state) {
  const auto add = [](uLong sum, const void* data, std::size_t bytes) {
    return crc32_z(sum, static_cast<const Bytef*>(data), bytes);
  };
  uLong sum = add(0, state.data(), state.size());
  // By name, because a file has them in an order of its own.
  std::vector<const NamedTensor*> sorted;
  for (const NamedTensor& tensor : tensors) sorted.push_back(&tensor);
  std::ranges::sort(sorted, {}, &NamedTensor::name);
  for (const NamedTensor* tensor : sorted) {
    const Tensor dense = tensor->tensor.to_dense().contiguous();
    sum = add(sum, tensor->name.data(), tensor->name.size());
    // A null pointer would start the sum again.
    if (dense.numel() > 0)
      sum = add(sum, engine::node_of(dense).data, static_cast<std::size_t>(dense.numel()) * size_of(dense.dtype()));
  }
  return fmt::format("{:08x}", sum);
}

// ".tapegrad-PID-N.tmp" of a process that is no more. The number alone does not tell: it may be of another container or
// machine, whose writer holds a lock on the file.
bool is_left_behind(const fs::path& path) {
  constexpr std::string_view begin = ".tapegrad-", end = ".tmp";
  const std::string name = path.filename().string();
  if (!name.starts_with(begin) || !name.ends_with(end)) return false;
  ::pid_t writer = 0;
  const auto [rest, error] = std::from_chars(name.data() + begin.size(), name.data() + name.size(), writer);
  if (error != std::errc() || *rest != '-' || writer <= 0 || ::kill(writer, 0) == 0 || errno != ESRCH) return false;
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);  // for the lock alone
  if (file < 0) return false;
  const bool free = ::flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  ::close(file);
  return free;
}

// Not by fs::directory_iterator: that of libstdc++ 12 ends the program when memory runs out.
std::vector<fs::path> files_in(const fs::path& folder) {
  struct Close {
    void operator()(::DIR* opened) const { ::closedir(opened); }
  };
  const std::unique_ptr<::DIR, Close> opened(::opendir(folder.c_str()));
  std::vector<fs::path> files;
  while (opened) {
    errno = 0;
    const ::dirent* entry = ::readdir(opened.get());
    if (!entry && errno == 0) return files;
    if (!entry) break;
    if (const std::string_view name = entry->d_name; name != "." && name != "..") files.push_back(folder / name);
  }
  throw IoError(fmt::format("{}: cannot be listed: {}", folder.string(), std::generic_category().message(errno)));
}

}  // namespace

void save_checkpoint(const fs::path& path, const Checkpoint& checkpoint) {
  save_safetensors(path, checkpoint.tensors,
                   {{kState, checkpoint.state}, {kChecksum, checksum(checkpoint.tensors, checkpoint.state)}});
}

Checkpoint load_checkpoint(const fs::path& path) {
  Metadata metadata;
  Checkpoint checkpoint{load_safetensors(path, &metadata), {}};
  const auto state = metadata.find(kState);
  if (state == metadata.end())
    throw IoError(fmt::format("{}: holds tensors, but no state of a training: it is no checkpoint", path.string()));
  checkpoint.state = std::move(state->second);
  if (metadata[kChecksum] != checksum(checkpoint.tensors, checkpoint.state))
    throw IoError(fmt::format("{}: is damaged: its content does not match its checksum", path.string()));
  return checkpoint;
}

CheckpointFolder::CheckpointFolder(fs::path folder, std::int64_t keep) : folder_(std::move(folder)), keep_(keep) {
  if (keep < 1) throw ValueError(fmt::format("checkpoints: keep is {}; one at least must stay", keep));
  make_folders(folder_);
  for (const fs::path& file : files_in(folder_))
    if (std::error_code ignored; is_left_behind(file)) fs::remove(file, ignored);
}

fs::path CheckpointFolder::save(std::int64_t step, const Checkpoint& checkpoint) const {
  fs::path path = folder_ / fmt::format("{}{:09}{}", kPrefix, step, kSuffix);
  save_checkpoint(path, checkpoint);
  std::int64_t kept = 1;
  for (const Entry& entry : list())
    if (std::error_code ignored; entry.step < step && ++kept > keep_) fs::remove(entry.path, ignored);
  return path;
}

std::vector<CheckpointFolder::Entry> CheckpointFolder::list() const {
  std::vector<Entry> found;
  for (const fs::path& file : files_in(folder_)) {
    const std::string name = file.filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const char *begin = name.data() + kPrefix.size(), *end = name.data() + name.size() - kSuffix.size();
    std::int64_t step = 0;
    if (const auto read = std::from_chars(begin, end, step); read.ec == std::errc() && read.ptr == end)
      found.push_back({step, file});
  }
  std::ranges::sort(found, std::greater(), &Entry::step);
  return found;
}

std::optional<CheckpointFolder::Found> CheckpointFolder::newest() const {
  std::vector<std::string> unreadable;
  for (const Entry& entry : list()) {
    try {
      return Found{entry.path, load_checkpoint(entry.path), std::move(unreadable)};
    } catch (const IoError& error) {
      unreadable.emplace_back(error.what());
    }
  }
  if (!unreadable.empty())
    throw IoError(fmt::format("{}: none of its {} checkpoints can be read: {}", folder_.string(), unreadable.size(),
                              fmt::join(unreadable, "; ")));
  return std::nullopt;
}

}  // namespace tapegrad::io
