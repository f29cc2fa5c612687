#pragma once
// How many numbers are added: the one policy of the library (docs/decisions/0017-summation.md). At most kChain numbers
// are added one after another in the dtype of the terms; such blocks are added in Total<T>. Which numbers make a block
// depends on their count alone.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <unordered_map>
#include <vector>

namespace tapegrad {

inline constexpr std::int64_t kChain = 32;

/// What blocks of numbers of type T are added in.
template <class T>
using Total = std::conditional_t<std::is_same_v<T, float>, double, T>;
template <class T>
inline constexpr bool kCarries = !std::is_same_v<T, Total<T>>;

/// Σ term(arrays[i]...) for i < n. Each of the arrays has an operator[].
template <class T, class Term, class... Arrays>
Total<T> sum_terms(const Term& term, std::int64_t n, Arrays... arrays) {
  constexpr std::int64_t kLanes = 128 / sizeof(T), kBlock = kChain / 2 * kLanes;
  Total<T> sum = 0;
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const std::int64_t end = begin + kBlock < n ? begin + kBlock : n;
    if (end - begin < kLanes) {
      T few = 0;
      for (std::int64_t i = begin; i < end; ++i) few += term(arrays[i]...);
      return sum + static_cast<Total<T>>(few);
    }
    T lanes[kLanes] = {};
    std::int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
#pragma omp simd
      for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += term(arrays[i + l]...);
    }
    for (std::int64_t l = 0; i < end; ++i, ++l) lanes[l] += term(arrays[i]...);
    for (std::int64_t width = kLanes / 2; width > 0; width /= 2)
      for (std::int64_t l = 0; l < width; ++l) lanes[l] += lanes[l + width];
    sum += static_cast<Total<T>>(lanes[0]);
  }
  return sum;
}

/// Many rows of `width` numbers added to the one at `to`, whose own numbers count as the first. The sum is there after
/// finish().
template <class T>
class RowSum {
 public:
  RowSum(T* to, std::int64_t width) : to_(to), width_(width) {}

  /// Where one more row may be added.
  T* next() {
    if constexpr (kCarries<T>)
      if (terms_++ == kChain) carry();
    return to_;
  }
  void add(const T* from) {
    T* to = next();
    for (std::int64_t j = 0; j < width_; ++j) to[j] += from[j];
  }
  void finish() {
    for (std::size_t j = 0; j < carried_.size(); ++j) to_[j] = static_cast<T>(carried_[j] + Total<T>(to_[j]));
    carried_.clear();
    terms_ = 0;
  }

 private:
  void carry() {
    carried_.resize(static_cast<std::size_t>(width_));
    for (std::size_t j = 0; j < carried_.size(); ++j) {
      carried_[j] += static_cast<Total<T>>(to_[j]);
      to_[j] = 0;
    }
    terms_ = 1;
  }

  T* to_;
  std::int64_t width_, terms_ = 0;
  std::vector<Total<T>> carried_;
};

/// The same for many places at once, each a row of `width` numbers: to[place] += from, in any order of places.
template <class T>
class ScatteredSums {
 public:
  /// `terms` counts the terms of each place since its last carry: 0 at first, null if no place gets more than kChain.
  ScatteredSums(T* to, std::int64_t width, std::uint8_t* terms) : to_(to), width_(width), terms_(terms) {}

  void add(std::int64_t place, const T* from) {
    if constexpr (kCarries<T>)
      if (terms_ && terms_[place]++ == kChain) carry(place);
    T* to = to_ + place * width_;
    for (std::int64_t j = 0; j < width_; ++j) to[j] = static_cast<T>(to[j] + from[j]);
  }
  void finish() {
    if constexpr (kCarries<T>) {
      for (const auto& [place, slot] : slots_) {
        T* to = to_ + place * width_;
        const Total<T>* carried = carried_.data() + slot * width_;
        for (std::int64_t j = 0; j < width_; ++j) to[j] = static_cast<T>(carried[j] + static_cast<Total<T>>(to[j]));
      }
      slots_.clear();
      carried_.clear();
    }
  }

 private:
  void carry(std::int64_t place) {
    const std::int64_t slot = slots_.try_emplace(place, static_cast<std::int64_t>(slots_.size())).first->second;
    carried_.resize(slots_.size() * static_cast<std::size_t>(width_));
    T* to = to_ + place * width_;
    Total<T>* carried = carried_.data() + slot * width_;
    for (std::int64_t j = 0; j < width_; ++j) {
      carried[j] += static_cast<Total<T>>(to[j]);
      to[j] = 0;
    }
    terms_[place] = 1;
  }

  T* to_;
  std::int64_t width_;
  std::uint8_t* terms_;
  std::unordered_map<std::int64_t, std::int64_t> slots_;
  std::vector<Total<T>> carried_;  // by slot
};

/// The counts that ScatteredSums needs for `places` of T when `terms` of them are added in all.
template <class T>
std::vector<std::uint8_t> scatter_counts(std::int64_t places, std::int64_t terms) {
  return std::vector<std::uint8_t>(kCarries<T> && terms > kChain ? static_cast<std::size_t>(places) : 0);
}

}  // namespace tapegrad
