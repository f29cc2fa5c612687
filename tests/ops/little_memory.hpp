#pragma once
// A process that gets little more memory than it has, for tests of what asks for too much.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <tapegrad/core/memory.hpp>

namespace tapegrad::tests {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;  // their shadow memory has no bounds
#else
inline constexpr bool kSanitized = false;
#endif

/// While it lives, the pool gets 64 MiB more, the process 1 GiB.
class LittleMemory {
 public:
  LittleMemory() {
    memory::set_limit(memory::stats().held_bytes + (std::uint64_t{1} << 26));
    getrlimit(RLIMIT_AS, &before_);
    if (kSanitized) return;
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit = before_;
    limit.rlim_cur = pages * static_cast<std::uint64_t>(getpagesize()) + (std::uint64_t{1} << 30);
    setrlimit(RLIMIT_AS, &limit);
  }
  ~LittleMemory() {
    setrlimit(RLIMIT_AS, &before_);
    memory::set_limit(~std::uint64_t{0});
  }
  LittleMemory(const LittleMemory&) = delete;
  LittleMemory& operator=(const LittleMemory&) = delete;

 private:
  rlimit before_{};
};

}  // namespace tapegrad::tests
