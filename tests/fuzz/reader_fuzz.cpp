// A fuzz target for libFuzzer: one reader of tests/hostile/readers.cpp, named by TAPEGRAD_READER when this is compiled.
// Anything but success or an exception of the library is a finding.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/internal/input_file.hpp>

#include "../hostile/readers.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using tapegrad::hostile::Reader;

const Reader& target() {
  static const Reader& reader = tapegrad::hostile::reader(TAPEGRAD_READER);
  return reader;
}

/// A regular file that never touches a disk.
int file_in_memory() {
  static const int file = ::memfd_create("input", 0);
  if (file < 0) std::abort();
  return file;
}

/// A name for it, with the suffix of the reader's files.
struct Link {
  explicit Link(int file)
      : path(std::filesystem::temp_directory_path() / ("fuzz-" + std::to_string(::getpid()) + target().suffix)) {
    std::filesystem::remove(path);
    std::filesystem::create_symlink("/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file), path);
  }
  ~Link() { std::filesystem::remove(path); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  std::filesystem::path path;
};

constexpr std::size_t kLengthBytes = 8;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tapegrad::set_input_limits({.pipe = 1 << 20, .unpacked = 1 << 24});
  const int file = file_in_memory();
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  static const Link link(file);
  try {
    target().read(link.path);
  } catch (const tapegrad::Error& error) {
    if (std::strlen(error.what()) > 4096) std::abort();
  }
  return 0;
}

/// Begins with the reader's sample; keeps the length that stands before the header of safetensors right most of the
/// time.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  const std::string& sample = target().sample;
  if (size <= 1 && sample.size() <= most) {
    std::memcpy(data, sample.data(), sample.size());
    size = sample.size();
  }
  const bool has_header = target().suffix == ".safetensors" && size > kLengthBytes && seed % 16 != 0;
  if (!has_header) return LLVMFuzzerMutate(data, size, most);
  std::uint64_t length = 0;
  std::memcpy(&length, data, kLengthBytes);
  const std::size_t rest = size - kLengthBytes;
  const std::size_t data_bytes = length <= rest ? rest - length : 0;
  const std::size_t changed = LLVMFuzzerMutate(data + kLengthBytes, rest, most - kLengthBytes);
  length = changed > data_bytes ? changed - data_bytes : changed;
  std::memcpy(data, &length, kLengthBytes);
  return kLengthBytes + changed;
}
