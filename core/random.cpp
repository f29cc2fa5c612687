#include <cmath>
#include <numbers>
#include <tapegrad/core/create.hpp>
#include <tapegrad/core/error.hpp>
#include <tapegrad/core/random.hpp>
#include <tapegrad/core/recompute.hpp>

namespace tapegrad {
namespace {

void philox(std::uint64_t counter, std::uint64_t seed, std::uint32_t (&out)[4]) {
  std::uint32_t x0 = static_cast<std::uint32_t>(counter), x1 = static_cast<std::uint32_t>(counter >> 32), x2 = 0,
                x3 = 0;
  std::uint32_t k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * x0, p1 = std::uint64_t{0xCD9E8D57u} * x2;
    x0 = static_cast<std::uint32_t>(p1 >> 32) ^ x1 ^ k0;
    x2 = static_cast<std::uint32_t>(p0 >> 32) ^ x3 ^ k1;
    x1 = static_cast<std::uint32_t>(p1);
    x3 = static_cast<std::uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = x0, out[1] = x1, out[2] = x2, out[3] = x3;
}

// Blocks counter, counter + 1, … side by side, so that the compiler can keep one in each vector lane.
constexpr std::size_t kLanes = 16;

void philox_lanes(std::uint64_t counter, std::uint64_t seed, std::uint32_t* out) {
  std::uint32_t x0[kLanes], x1[kLanes], x2[kLanes] = {}, x3[kLanes] = {};
  for (std::size_t i = 0; i < kLanes; ++i) {
    x0[i] = static_cast<std::uint32_t>(counter + i);
    x1[i] = static_cast<std::uint32_t>((counter + i) >> 32);
  }
  std::uint32_t k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * x0[i], p1 = std::uint64_t{0xCD9E8D57u} * x2[i];
      x0[i] = static_cast<std::uint32_t>(p1 >> 32) ^ x1[i] ^ k0;
      x2[i] = static_cast<std::uint32_t>(p0 >> 32) ^ x3[i] ^ k1;
      x1[i] = static_cast<std::uint32_t>(p1);
      x3[i] = static_cast<std::uint32_t>(p0);
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (std::size_t i = 0; i < kLanes; ++i) {
    out[4 * i] = x0[i];
    out[4 * i + 1] = x1[i];
    out[4 * i + 2] = x2[i];
    out[4 * i + 3] = x3[i];
  }
}

}  // namespace

void random_words(const Rng::State& from, std::span<std::uint32_t> words) {
  Rng::State at = from;
  std::size_t done = 0;
  // Words of the block that holds position `at`, up to its end.
  const auto part_of_block = [&] {
    std::uint32_t block[4];
    philox(at.position / 4, at.seed, block);
    do words[done++] = block[at.position++ % 4];
    while (done < words.size() && at.position % 4 != 0);
  };
  if (!words.empty() && at.position % 4 != 0) part_of_block();
  for (; words.size() - done >= 4 * kLanes; done += 4 * kLanes, at.position += 4 * kLanes)
    philox_lanes(at.position / 4, at.seed, words.data() + done);
  while (done < words.size()) part_of_block();
}

Rng::State Rng::advance(std::uint64_t count) {
  const State from = state_;
  state_.position += count;
  return from;
}

Rng::State Rng::take(std::uint64_t count) {
  if (LoggedRun* run = LoggedRun::innermost) [[unlikely]]
    return run->draw(*this, count);
  return advance(count);
}

Rng::State Rng::state() const { return LoggedRun::innermost ? LoggedRun::innermost->next(*this) : state_; }

void Rng::fill(std::span<std::uint32_t> words) { random_words(take(words.size()), words); }

std::uint32_t Rng::word(const State& at) {
  const std::uint64_t block = at.position / 4;
  if (at.seed != state_.seed) [[unlikely]] {  // another generator's draw, repeated
    std::uint32_t words[4];
    philox(block, at.seed, words);
    return words[at.position % 4];
  }
  if (block != block_) {
    philox(block, at.seed, words_);
    block_ = block;
  }
  return words_[at.position % 4];
}

std::uint32_t Rng::next_u32() { return word(take(1)); }

std::uint64_t Rng::next_u64() {
  const std::uint64_t high = next_u32();
  return high << 32 | next_u32();
}

double Rng::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }

std::uint64_t Rng::below(std::uint64_t n) {
  // Rejection of the incomplete last cycle keeps every value equally likely.
  const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % n + 1) % n;
  for (;;)
    if (const std::uint64_t draw = next_u64(); draw <= limit) return draw % n;
}

double Rng::normal() {
  const double radius = std::sqrt(-2 * std::log1p(-uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

Rng& default_rng() {
  thread_local Rng rng;
  return rng;
}

void seed(std::uint64_t value) { default_rng() = Rng(value); }

namespace {

template <class Draw>
Tensor generate(const Shape& shape, DType dtype, Draw draw) {
  Tensor t = empty(shape, dtype);
  dispatch(dtype, [&]<class T>() {
    for (T& v : t.mutable_data<T>()) v = static_cast<T>(draw());
  });
  return t;
}

void require_floating(const char* op, DType dtype) {
  if (!is_floating(dtype))
    throw DTypeError(std::string(op) + ": dtype " + std::string(name_of(dtype)) + "; use f32 or f64");
}

}  // namespace

Tensor randn(const Shape& shape, DType dtype, Rng& rng) {
  require_floating("randn", dtype);
  return generate(shape, dtype, [&] { return rng.normal(); });
}

Tensor rand(const Shape& shape, double low, double high, DType dtype, Rng& rng) {
  require_floating("rand", dtype);
  return generate(shape, dtype, [&] { return low + (high - low) * rng.uniform(); });
}

Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Rng& rng) {
  if (low >= high)
    throw ValueError("randint: nothing lies in [" + std::to_string(low) + ", " + std::to_string(high) + ")");
  // The distance of two numbers may need all 64 bits, so that it is added without a sign.
  const auto first = static_cast<std::uint64_t>(low), span = static_cast<std::uint64_t>(high) - first;
  return generate(shape, i64, [&] { return static_cast<std::int64_t>(first + rng.below(span)); });
}

Tensor randperm(std::int64_t n, Rng& rng) {
  Tensor t = arange(n);
  const auto values = t.mutable_data<std::int64_t>();
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[rng.below(i)]);
  return t;
}

}  // namespace tapegrad
