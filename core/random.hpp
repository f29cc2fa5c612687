#pragma once
// Random numbers that depend on a seed and a position only: the same on any machine and any number of threads.

#include <cstdint>
#include <span>
#include <tapegrad/core/tensor.hpp>

namespace tapegrad {

/// The counter-based generator Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011).
class Rng {
 public:
  /// A place in the sequence of a generator.
  struct State {
    std::uint64_t seed = 0;
    std::uint64_t position = 0;  ///< 32-bit words drawn
    friend bool operator==(const State&, const State&) = default;
  };

  explicit Rng(std::uint64_t seed = 0) : state_{seed, 0} {}
  explicit Rng(const State& state) : state_(state) {}
  /// Where the next word is drawn. While checkpoint() computes a function again: where it was drawn the first time.
  State state() const;

  std::uint32_t next_u32();
  /// Fills `words` as next_u32() would, many at a time.
  void fill(std::span<std::uint32_t> words);
  /// Draws `count` words that random_words() will compute: the state at which they begin.
  State take(std::uint64_t count);
  /// As if `count` words had been drawn.
  void skip(std::uint64_t count) { take(count); }
  std::uint64_t next_u64();
  /// Uniform in [0, 1), with 53 random bits.
  double uniform();
  /// Uniform in [0, n); n > 0.
  std::uint64_t below(std::uint64_t n);
  /// Standard normal, by Box and Muller.
  double normal();

  using result_type = std::uint32_t;  ///< a UniformRandomBitGenerator
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return 0xffffffffu; }
  result_type operator()() { return next_u32(); }

 private:
  friend class LoggedRun;
  State advance(std::uint64_t count);
  std::uint32_t word(const State& at);

  State state_;
  std::uint64_t block_ = ~std::uint64_t{0};  // of this seed, which `words_` holds
  std::uint32_t words_[4] = {};
};

/// The words that a generator draws from `from` on.
void random_words(const Rng::State& from, std::span<std::uint32_t> words);

/// The generator that functions use when none is given: one a thread, each starting from seed 0.
Rng& default_rng();
/// Restarts this thread's default generator.
void seed(std::uint64_t value);

Tensor randn(const Shape& shape, DType dtype = f32, Rng& rng = default_rng());
/// Uniform in [low, high).
Tensor rand(const Shape& shape, double low = 0, double high = 1, DType dtype = f32, Rng& rng = default_rng());
/// Integers in [low, high), i64.
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Rng& rng = default_rng());
/// 0 … n-1 in random order, i64.
Tensor randperm(std::int64_t n, Rng& rng = default_rng());

}  // namespace tapegrad
