#pragma once
// A function that is computed again: it draws what it drew the first time, and changes no state a second time.

#include <cstdint>
#include <tapegrad/core/random.hpp>
#include <vector>

namespace tapegrad {

/// Whether checkpoint() is computing a function again on this thread. A layer whose call changes state, such as running
/// statistics, leaves it alone then.
bool recomputing();

/// What one run of a function took from outside, besides its inputs.
struct RunLog {
  /// Random words that a part of the model drew.
  struct Draw {
    Rng::State from;
    std::uint64_t words;
  };
  /// Leaves that a part of the model wrote to, as they were before and after.
  struct Carried {
    std::vector<Tensor> before, after;
  };
  std::vector<Draw> draws;       ///< from any generator, in order; adjoining ones are one
  std::vector<Carried> carried;  ///< see carry_in()
};

/// While it lives, what its thread draws and carries is added to a log or, repeated, taken from it: generators and
/// state stay as they are then. Runs nest.
class LoggedRun {
 public:
  enum class Mode : std::uint8_t { record, repeat };
  LoggedRun(RunLog& log, Mode mode);
  ~LoggedRun();
  LoggedRun(const LoggedRun&) = delete;
  LoggedRun& operator=(const LoggedRun&) = delete;

  /// ValueError unless the function has taken all that the log holds.
  void require_finished() const;

 private:
  friend class Rng;
  friend bool recomputing();
  friend std::vector<Tensor> carry_in(std::vector<Tensor> now);
  friend bool carry_out(std::vector<Tensor> after);

  Rng::State draw(Rng& rng, std::uint64_t words);
  Rng::State next(const Rng& rng) const;
  static std::vector<Tensor> carry_in(LoggedRun* run, std::vector<Tensor> now);
  static bool carry_out(LoggedRun* run, const std::vector<Tensor>& after);

  static inline constinit thread_local LoggedRun* innermost = nullptr;

  RunLog& log_;
  const Mode mode_;
  LoggedRun* const outer_;
  std::size_t at_ = 0;                         // the draw that comes next, and
  std::uint64_t used_ = 0;                     // its words that are gone
  std::size_t carried_ = 0;                    // calls of carry_in()
  std::vector<std::vector<Tensor>> produced_;  // what carry_out() was given, repeated
};

/// For layers that carry tensors from one call to the next, such as a cache: what they carry in, given what they have
/// now. While a function is computed again it is what it was the first time, or what this computation carried out.
std::vector<Tensor> carry_in(std::vector<Tensor> now);
/// What the same call carries out; whether the layer is to keep it.
bool carry_out(std::vector<Tensor> after);

}  // namespace tapegrad
