#pragma once
// What reading one input does to a process: how it ends, what it says, how much memory and time it takes.

#include <cstdint>
#include <functional>
#include <string>

namespace tapegrad::hostile {

struct Outcome {
  bool ended = false;    ///< by itself, neither killed by a signal nor stopped for its time
  bool refused = false;  ///< with an exception of the library
  std::string text;      ///< of the exception; "read" if there was none
  double seconds = 0;
  std::uint64_t peak = 0;  ///< bytes resident at most, beyond those of a child that does nothing
};

/// Calls read() in a child process, which is stopped after a minute.
Outcome in_child(const std::function<void()>& read);

/// What an input of so many bytes may take before it is refused.
constexpr std::uint64_t most_memory(std::uint64_t bytes_on_disk) {
  return 4 * bytes_on_disk + (std::uint64_t{64} << 20);
}

/// Sanitizers take memory of their own.
#ifdef TAPEGRAD_POOL_PASSTHROUGH
inline constexpr bool kMeasuresMemory = false;
#else
inline constexpr bool kMeasuresMemory = true;
#endif

}  // namespace tapegrad::hostile
